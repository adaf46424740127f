package shop

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/waybill-log/waybill/demo-services/dials"
)

// Scenario is a way for the shop to break, and what to look for then.
type Scenario struct {
	Name  string
	About string // what is turned, and what happens
	Look  string // what Waybill says of it
	Ends  []string

	dials map[string]dials.Dial
	act   func(ctx context.Context, s *Shop, v *Visitor) (id string, err error)
}

// buys is a purchase; that it is refused is an answer too.
func buys(points int64) func(context.Context, *Shop, *Visitor) (string, error) {
	return func(ctx context.Context, _ *Shop, v *Visitor) (string, error) {
		id, err := v.Buy(ctx, points)
		if id != "" {
			return id, nil
		}
		return "", err
	}
}

func looks(ctx context.Context, _ *Shop, v *Visitor) (string, error) {
	a, err := v.Home(ctx)
	return a.CorrelationID, err
}

// Scenarios are all there are. Verdicts that a journey may end with are in Ends.
func Scenarios() []Scenario {
	return []Scenario{
		{
			Name: "delivered", About: "Nothing is broken: USER1 buys 100 points.",
			Look: "bank, game, bank, orders, each leg through Kafka with its time in the queue; the saga's steps are all forward.",
			Ends: []string{"delivered"}, act: buys(100),
		},
		{
			Name: "withdrawn", About: "The game is withdrawn and refuses the order, so the bank gives the dollars back.",
			Look: "returned, with the game's reason; in the saga's ledger dollars went forward and were compensated.",
			Ends: []string{"returned", "exception"}, dials: map[string]dials.Dial{"game": {Withdrawn: true}}, act: buys(100),
		},
		{
			Name: "paused", About: "The game's consumer does not pick up its messages.",
			Look: "stalled at the game: Kafka shows that its group stands before the message, and since when. Turn it back within 30 s and the purchase is delivered, later and it is returned.",
			Ends: []string{"stalled"}, dials: map[string]dials.Dial{"game": {Paused: true}}, act: buys(100),
		},
		{
			Name: "errors", About: "Half of what the game does fails; what failed is tried again from a topic of its own.",
			Look: "attempts that failed, the topic retry.game between them, and delivered in the end.",
			Ends: []string{"delivered", "returned"}, dials: map[string]dials.Dial{"game": {Errors: 0.5}}, act: buys(100),
		},
		{
			Name: "lost-header", About: "The gateway's calls go out without what makes one journey of them.",
			Look: "the journey ends at the gateway, though money moves: a call was answered that no record tells of. The purchase itself is a journey of another number, which begins at the bank.",
			Ends: []string{"delivered", "unconfirmed", "in_transit"}, dials: map[string]dials.Dial{"gateway": {LoseHeader: true}}, act: buys(100),
		},
		{
			Name: "skewed", About: "The game's clock is five minutes slow.",
			Look: "delivered, in the order of causes all the same, though its times contradict it; as JSON (waybill track -o json) also the interval that the game's clock is off by.",
			Ends: []string{"delivered"}, dials: map[string]dials.Dial{"game": {Skew: -5 * time.Minute}}, act: buys(100),
		},
		{
			Name: "slow", About: "Reviews take three seconds; the home page does not wait for them.",
			Look: "two calls of reviews, of which the second was a try while the first took long, both given up after 0.8 s; and what the home page lacks, in the gateway's record.",
			Ends: []string{"delivered", "unconfirmed", "exception"}, dials: map[string]dials.Dial{"reviews": {Latency: 3 * time.Second}}, act: looks,
		},
		{
			Name: "sick", About: "Stock sends heartbeats, but its API answers 500: the registrar takes it out of rotation.",
			Look: "a home page without stock, and no hop there: the gateway found nobody in rotation to ask, as its record says.",
			Ends: []string{"delivered", "unconfirmed", "exception"}, dials: map[string]dials.Dial{"stock": {Sick: true}},
			act: func(ctx context.Context, s *Shop, v *Visitor) (string, error) {
				if err := s.outOfRotation(ctx, "stock"); err != nil {
					return "", err
				}
				return looks(ctx, s, v)
			},
		},
		{
			Name: "refused", About: "USER1 asks for more points than one order may have.",
			Look: "an exception that the bank answers with 400; nothing moved.",
			Ends: []string{"exception"}, act: buys(100_001),
		},
	}
}

// Play turns the dials, and does what the scenario is about. It returns a tracking number. The
// dials stay turned: who watches turns them back.
func (s *Shop) Play(ctx context.Context, name string) (id string, played Scenario, err error) {
	var names []string
	for _, played = range Scenarios() {
		if played.Name != name {
			names = append(names, played.Name)
			continue
		}
		v := s.Visitor()
		if err := v.LogIn(ctx, "USER1"); err != nil {
			return "", played, err
		}
		for service, dial := range played.dials {
			if err := s.dials.Turn(service, dial); err != nil {
				return "", played, err
			}
		}
		id, err := played.act(ctx, s, v)
		return id, played, err
	}
	return "", Scenario{}, fmt.Errorf("no scenario %s: there are %s", name, strings.Join(names, ", "))
}

// Mend turns all dials back.
func (s *Shop) Mend() error {
	for service := range s.dials.All() {
		if err := s.dials.Turn(service, dials.Dial{}); err != nil {
			return err
		}
	}
	return nil
}

// outOfRotation waits until nobody serves under a name.
func (s *Shop) outOfRotation(ctx context.Context, service string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		serves, err := s.inRotation(ctx, service)
		if err == nil && !serves {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s stays in rotation: %w", service, errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
