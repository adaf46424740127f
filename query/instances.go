package query

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/waybill-log/waybill/evidence"
)

// Instances lists what instances say of their own records, held against what is stored.
type Instances struct {
	Instances []Instance `json:"instances"` // those that said something last come first
	More      bool       `json:"more"`
	AsOf      *time.Time `json:"as_of"`
}

// Instance is one run of a service.
type Instance struct {
	Service   string    `json:"service"`
	Node      string    `json:"node"`
	Time      time.Time `json:"time"`      // of its latest ledger
	Last      uint64    `json:"last"`      // highest number it gave a record
	Unsettled uint64    `json:"unsettled"` // lowest number that Kafka has not acknowledged
	Dropped   uint64    `json:"dropped"`   // records dropped on purpose
	Refused   uint64    `json:"refused"`   // records that never got a number
	Stopped   bool      `json:"stopped"`
	Lost      *int64    `json:"lost"` // records that Kafka had and the store has not; nil: not known
}

// MaxInstances is how many instances are listed at most: each is counted in the store.
const MaxInstances = 200

// Instances lists up to n.
func (d *Desk) Instances(ctx context.Context, n int) (*Instances, error) {
	if d.cfg.Ledgers == nil {
		return nil, unknown("this server does not follow what instances say")
	}
	asOf := d.AsOf(ctx)
	all := d.cfg.Ledgers()
	slices.SortStableFunc(all, func(a, b evidence.Ledger) int { return cmp.Or(b.Time.Compare(a.Time), cmp.Compare(a.Node, b.Node)) })
	out := &Instances{Instances: []Instance{}, More: len(all) > n, AsOf: told(asOf)}
	for _, l := range all[:min(n, len(all))] {
		i := Instance{Service: l.Service, Node: l.Node, Time: l.Time.UTC(), Last: l.Last, Unsettled: l.Unsettled, Refused: l.Refused, Stopped: l.Stopped}
		for _, r := range l.Dropped {
			i.Dropped += cmp.Or(r.Count, r.To-r.From+1)
		}
		if !asOf.IsZero() {
			lost, known, err := evidence.Lost(ctx, d.cfg.Store, l, asOf.Add(d.cfg.Store.Lag())) // which it takes away itself
			if err != nil {
				return nil, cause("count records of an instance", err)
			}
			if known {
				i.Lost = &lost
			}
		}
		out.Instances = append(out.Instances, i)
	}
	return out, nil
}
