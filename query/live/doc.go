// Package live follows the end of the records' topic: what has just been written is seen
// before the store shows it, and by whoever watches.
//
//	f, err := live.New(live.Config{Brokers: brokers, Kafka: kafka, Topic: record.TopicRecords})
//	go f.Run(ctx)
//
//	s, err := f.Subscribe(live.Request{Filter: search.Records, Resume: r.Header.Get("Last-Event-ID")})
//	defer s.Close()
//	err = s.Serve(w, r) // event: record …, event: receipt {"matched":12,"shown":12,"skipped":0}
//
//	fresh := f.Fresh(elastic, horizon)
//	visible := store.NewVisible(fresh, elastic) // outside, so that it hides what memory has too
//	claim := fresh.Begin()
//	entries, more, err := visible.ByKey(ctx, key, limit)
//	asOf := claim.AsOf() // the entries are all that was shipped before
//
// [Follower] reads each partition once, however many clients there are, and keeps what came
// last in a memory of bounded bytes. [Subscription] is one client's view, and [Fresh] a
// store with that memory before it.
//
//	Kafka ──► follower ──► memory ──┬──► Fresh ──► ByKey, ByTrace
//	  │                             ├──► group: one filter ──► clients
//	  └──► replay: one client ──────┘
//
// Whatever a client does, the follower does not wait for it. A client that falls behind what
// its group keeps is not given all, and is told how much before it is given more:
// shown + skipped = matched at every receipt. Its place is a token, the next offset of each
// partition, with which it goes on after a cut: from the group, from memory, or from Kafka.
//
// What the collector would refuse is not shown. Live never writes, and never judges.
package live
