// Package hook takes notifications to receivers: at least once, with one ID, and with proof of it.
//
//	receivers, err := hook.ParseReceivers(node)  // of a rules file
//	m, err := hook.New(hook.Config{Receivers: receivers})
//	err = m.Take(partition, journal, kept)       // what its last owner had not delivered goes on
//	err = m.Notify(ctx, notification)            // returns when it is kept
//	for _, d := range m.History("ops") {         // what became of it, attempt by attempt
//		fmt.Println(d.ID, d.Outcome, d.Tries)    // g-17 delivered 3
//	}
//
// The types to know are [Manager], [Receiver] and [Delivery].
//
//	Notify ─► journal ─► lane of ops ──► attempt ─┬─ taken ─────────► history
//	                                ▲             ├─ try later ─┐
//	                                └── back-off ─┼─────────────┘
//	                                              └─ given up ──┬───► history
//	                                                            └───► lane of its fallback
//
// A partition has a lane for each receiver, so whoever is slow holds up nobody else. What comes
// faster than a receiver's ceiling is gathered into one notification that says so.
// A notification has the same ID in each attempt, at its fallback, and after a crash; what has been tried
// once is never gathered, so that it comes under no other ID.
//
// Each notification has a tracking number, see [Tracking]: its deliveries are a journey.
//
// Where receivers may be reached is judged when they are dialled, after DNS: see [Receiver].
// Secrets come from files and are in no log and no history. The package never
// decides who is told what, and never forgets silently: what is given up is in the history.
package hook
