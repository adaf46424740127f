// Package messaging moves messages between services so that a message is sent
// exactly when the transaction that asks for it commits, and handled once.
//
//	bus.Publish(ctx, tx, "shop.orders", id, order)   // an outbox row, in the service's own transaction
//	bus.Subscribe("shop.orders", func(ctx context.Context, tx *sql.Tx, m messaging.Message) error { … })
//	err := bus.Run(ctx)
//
// A message waits in the sender's outbox until Kafka has it; the receiver's inbox
// remembers its ID in the same transaction as its effect.
package messaging
