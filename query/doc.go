// Package query answers what people and programs ask: where a journey is, by whatever
// spelling of its ID; which journeys and records there are; what is usual.
//
//	desk := query.New(query.Config{Store: visible, Evidence: gatherer})
//	j, err := desk.Journey(ctx, `traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`, query.Window{})
//	fmt.Println(j.Verdict, j.Reason) // delivered, every hop ended well …
//
// [Desk] has a method for each question. What cannot be answered is an [Error], which says
// what is wrong and what to do; any other error is of the store or the context.
//
// It reads, and erases where Config says how. It makes no verdicts, which are package
// journey's, and knows nothing of HTTP, which is package api's.
package query
