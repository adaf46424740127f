// Package elastic is the store on Elasticsearch 8.
//
//	st, err := elastic.Open(ctx, elastic.Config{URLs: []string{"http://127.0.0.1:9200"}})
//	res, err := st.Put(ctx, entries) // create with _id = event.id: nothing doubles
//
// A record goes to the plain daily index of its own @timestamp, never of now, so
// that a resent record meets its twin. Bulk requests are made and read here, item
// by item, because Kafka offsets are committed on what they say.
//
// A search is compiled to one query, paged by time and event.id, and each document that
// comes back is decided once more by filter.Matcher.
//
// The package never sends text of a user to query_string.
package elastic
