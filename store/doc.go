// Package store is the contract between the parts that write records and the
// parts that read them. store/elastic and store/embedded fulfil it; the suite in
// store/storetest holds both to the same answers.
//
// The types to know are [Entry], [Writer], [Reader] and [Searcher]:
//
//	e, err := store.NewEntry(line)          // one message of the records topic
//	res, err := st.Put(ctx, []store.Entry{e})
//	entries, more, err := st.ByKey(ctx, e.Key, 10_000)
//	page, err := st.Search(ctx, store.Query{Filter: f, Limit: 50})
//
// A store keeps the bytes it is given and returns them unchanged. It never
// decides what a journey means.
package store
