// Package client asks a Waybill server.
//
//	c, err := client.New(client.Config{Server: "http://127.0.0.1:7600"})
//	j, err := c.Journey(ctx, "SPDIRIOXVWG3")
//	// j.Verdict == journey.Delivered
//
//	found, err := c.Records(ctx, client.Search{Query: "level:error since:1h"}, func(raw []byte) error { … })
//	counts, err := c.Tail(ctx, "level:error", client.Watcher{Event: …})
//
// [Client] has a method for each question. What the server refuses is an [*Error], and a server
// that does not answer an [*Unreachable]. [Client.Tail] goes on where it was after a cut, and
// tells how much it was not given.
//
// Answers are bounded, and texts in them are as they came: whoever shows them to people
// cleans them. Client never writes anything to a server.
package client
