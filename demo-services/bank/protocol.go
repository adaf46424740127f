package bank

import (
	"context"
	"database/sql"
	"time"

	"github.com/waybill-log/waybill/demo-services/purchase"
	"github.com/waybill-log/waybill/instrument"
)

// Names of protocols.
const (
	Saga     = "saga"
	TwoPhase = "two-phase"
)

// Protocol makes bank and game agree on an order: both carry it out, or neither does.
//
//	            saga                                      two-phase
//	dollars     taken at once, given back if need be      held, and taken when the game has said yes
//	answer      at once: accepted                         when it is decided: open or cancelled
//	game away   the order waits until its deadline        the caller waits, and gets a no
//	bank dies   goes on where it was                      what was not decided is cancelled
//	            between the two, others see dollars       nobody sees what may not stay; but each order holds
//	            that may come back                        dollars and points on both sides while one asks the other
//
// Either way the game's points are reserved until the bank has decided, and the decision is one
// row in the bank's database.
type Protocol interface {
	// begin takes an order on within tx, which has written it.
	begin(ctx context.Context, tx *sql.Tx, o purchase.Order) error

	// decide is called when tx has committed. It returns the state to answer with.
	decide(ctx context.Context, o purchase.Order) (state string, err error)

	// holds reports whether dollars are held until the decision, rather than taken.
	holds() bool
}

// saga takes the dollars, asks the game by a message, and gives them back if that comes to nothing.
type saga struct{ b *Bank }

func (saga) holds() bool { return false }

func (s saga) begin(ctx context.Context, tx *sql.Tx, o purchase.Order) error {
	if err := s.b.bus.Send(ctx, tx, purchase.Place, o.ID, o); err != nil {
		return err
	}
	instrument.Expect(ctx, "game", s.b.cfg.Deadline)
	return nil
}

func (s saga) decide(context.Context, purchase.Order) (string, error) { return purchase.BankNew, nil }

// twoPhase asks the game whether it could, holding the dollars meanwhile, and then decides for
// both. An order whose bank dies in between is cancelled at its deadline: presumed abort.
type twoPhase struct{ b *Bank }

func (twoPhase) holds() bool { return true }

func (twoPhase) begin(context.Context, *sql.Tx, purchase.Order) error { return nil }

// asks is how long the game has for its answer; the rest of the deadline is the bank's. Whoever
// called the bank waits two seconds.
func (t twoPhase) asks() time.Duration { return min(t.b.cfg.Deadline/2, 1500*time.Millisecond) }

func (t twoPhase) decide(ctx context.Context, o purchase.Order) (state string, err error) {
	asking, cancel := context.WithTimeout(ctx, t.asks())
	defer cancel()
	var yes purchase.Order
	asked := t.b.bus.Request(asking, purchase.Prepare, o.ID, o, &yes)
	ctx = context.WithoutCancel(ctx) // what has begun is decided, whoever has stopped waiting
	ctx = instrument.Saga(ctx, o.ID, "order", instrument.Forward)
	err = t.b.bus.Within(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if asked != nil {
			return t.b.cancel(ctx, tx, o.ID, "the game did not agree: "+asked.Error())
		}
		_, err := t.b.open(ctx, tx, o.ID)
		return err
	})
	if err != nil {
		return "", err
	}
	found, err := t.b.read(ctx, o.ID)
	return found.State, err
}
