// Package access says who asks the API and what they may do.
//
// The types to know are [Policy], [Holder] and [Tokens]:
//
//	tokens, err := access.Load("tokens.yaml")
//	p := access.New(access.Config{Tokens: tokens, Logger: log})
//	http.Handle("/api/v1/journeys", p.Protect(access.Read, journeys))
//	...
//	h := access.From(r.Context()) // h.Name is "ci"
//
// It never stores a token, only its hash, and never logs either.
package access
