// Package screen is what takes up a whole terminal: the tail, in which people pause, filter
// and open journeys, and a journey that is drawn again as it goes on.
//
//	err := screen.Tail(ctx, terminal, screen.TailConfig{
//		Watch:   func(ctx context.Context, w client.Watcher) error { … },
//		Journey: func(ctx context.Context, id string) (*query.Journey, error) { … },
//	})
//
// What it remembers of a tail is bounded, however long that goes on. As in package terminal,
// nothing from outside controls the terminal; and screen asks nobody itself.
package screen
