package query

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"
)

// Lags lists how far consumer groups have come.
type Lags struct {
	Lags   []Lag          `json:"lags"`   // the largest, in order of their names
	More   bool           `json:"more"`   // there are others, which are smaller
	Behind *time.Duration `json:"behind"` // ns that the horizon is behind the clock; null: not known
	AsOf   *time.Time     `json:"as_of"`  // the horizon: all that was shipped before is stored
}

// Lag is how far a group has come in one partition.
type Lag struct {
	Group     string    `json:"group"`
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Committed *int64    `json:"committed"` // offset of the next message; null: it never committed
	End       *int64    `json:"end"`       // offset of the message that comes next in the partition; null: not known
	Lag       *int64    `json:"lag"`       // messages between; null: not known
	Members   *bool     `json:"members"`   // somebody is in the group; null: not known
	Own       bool      `json:"own"`       // it is the collectors', and committed is through which offset records are stored
	AsOf      time.Time `json:"as_of"`     // when Kafka said so
}

// MaxLags is how many are listed at most.
const MaxLags = 1000

// Lags lists up to n.
func (d *Desk) Lags(ctx context.Context, n int) (*Lags, error) {
	if d.cfg.Lags == nil {
		return nil, unknown("this server does not follow consumer groups")
	}
	asOf := d.AsOf(ctx)
	known, err := d.cfg.Lags()
	if err != nil {
		return nil, d.away(ctx, "ask how far consumer groups have come", err)
	}
	out := &Lags{Lags: []Lag{}, AsOf: told(asOf), More: len(known) > n}
	if !asOf.IsZero() {
		behind := max(0, time.Since(asOf))
		out.Behind = &behind
	}
	for _, k := range known {
		l := Lag{Group: k.Group, Topic: k.Topic, Partition: k.Partition, Own: k.Own, AsOf: k.AsOf.UTC()}
		if k.Committed >= 0 {
			l.Committed = &k.Committed
		}
		if k.End >= 0 {
			l.End = &k.End
		}
		if l.Committed != nil && l.End != nil {
			lag := k.End - k.Committed
			l.Lag = &lag
		}
		if !k.Own {
			l.Members = &k.Members
		}
		out.Lags = append(out.Lags, l)
	}
	if out.More {
		slices.SortStableFunc(out.Lags, func(a, b Lag) int { return cmp.Compare(b.size(), a.size()) })
		out.Lags = out.Lags[:n]
		slices.SortFunc(out.Lags, func(a, b Lag) int {
			return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
		})
	}
	return out, nil
}

// size orders lags; those that are not known come first, since they may be large.
func (l *Lag) size() int64 {
	if l.Lag == nil {
		return math.MaxInt64
	}
	return *l.Lag
}
