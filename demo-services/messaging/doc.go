// Package messaging moves messages between services in four ways, and only through what a
// [Table] says of where messages flow. What is sent within a transaction is sent exactly when
// that commits; what is received is handled once, however often it comes.
//
//	err = bus.Send(ctx, tx, "order.place", order.ID, order)             // a command: an answer can be given now, and the work is done later
//	err = bus.Publish(ctx, tx, "order.opened", order.ID, order)         // an event, for whoever subscribes
//	err = bus.Schedule(ctx, tx, at, "order.place", order.ID, order)     // a command that goes out at a time
//	err = bus.Request(ctx, "order.prepare", order.ID, order, &vote)     // a call over two topics; waits
//	bus.Handle("order.place", func(ctx context.Context, tx *sql.Tx, m messaging.Message) error { … })
//
//	service's database:  business row + outbox row ──relay──► Kafka ──► inbox row + business row
//
// A message waits in the sender's outbox until Kafka has it. The receiver's inbox remembers its
// ID in the same transaction as its effect. One that cannot be handled is tried again from a
// topic of its own, so that others go on, and is a dead letter in the end. Receivers may be
// away and catch up; several instances of one share its messages. Messages of one key arrive
// in order but for those that were tried again: handlers must bear both orders.
//
// The package never holds a message in memory only, but for requests, whose caller waits.
package messaging
