package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// Excerpt says which of a journey's records are wanted.
type Excerpt struct {
	Revision string // of the journey as it was answered before; empty: as it is now
	Hop      string // only those of that hop; empty: all
	Around   string // event.id of a record that is to be in the middle; then From does not count
	From     int    // the place of the first, from 0
	Limit    int
}

// JourneyRecords is a run of a journey's records, in causal order.
type JourneyRecords struct {
	CorrelationID string          `json:"correlation_id"`
	Revision      string          `json:"revision"` // asks for others of the same journey, as it was when this one was answered
	Count         int             `json:"count"`    // how many there are, of the hop where it was asked for
	From          int             `json:"from"`     // the place of the first among them, from 0
	At            *int            `json:"at"`       // the place among them of the record that it was asked around; null: around none
	Records       []record.Record `json:"records"`
	Places        []int           `json:"places"` // of each among all records of the journey, from 0
	Hops          []int32         `json:"hops"`   // of each the place of its hop in the journey's hops; -1: it is in none
	AsOf          *time.Time      `json:"as_of"`
}

// JourneyRecords finds some records of the journey that a text names.
func (d *Desk) JourneyRecords(ctx context.Context, text string, e Excerpt) (*JourneyRecords, error) {
	b, err := d.buildOf(ctx, text, e.Revision)
	if err != nil {
		return nil, err
	}
	count, place := len(b.until), func(n int) int { return n }
	var of []int
	if e.Hop != "" {
		if of = b.of(e.Hop); of == nil {
			return nil, unknown("the journey has no hop %.100s", e.Hop)
		}
		count, place = len(of), func(n int) int { return of[n] }
	}
	out := &JourneyRecords{CorrelationID: b.id, Revision: b.revision, Count: count, AsOf: b.asOf, Records: []record.Record{}, Places: []int{}, Hops: []int32{}}
	from := min(e.From, count)
	if e.Around != "" {
		at := b.place(e.Around)
		if e.Hop != "" {
			at = slices.Index(of, at)
		}
		if at < 0 {
			return nil, unknown("no record %.100s is among these", e.Around)
		}
		out.At, from = &at, max(0, min(at-e.Limit/2, count-e.Limit))
	}
	out.From = from
	for n := from; n < min(from+e.Limit, count); n++ {
		at := place(n)
		out.Records, out.Places, out.Hops = append(out.Records, b.record(at)), append(out.Places, at), append(out.Hops, b.hopOf[at])
	}
	return out, nil
}

// buildOf is the journey that a text names: as it was at a revision, or as it is now.
func (d *Desk) buildOf(ctx context.Context, text, revision string) (*build, error) {
	if revision == "" {
		j, err := d.built(ctx, text, MaxWindowed)
		if err != nil {
			return nil, err
		}
		b := newBuild(j, text, d.sees(ctx))
		d.builds.put(b)
		return b, nil
	}
	b := d.builds.get(revision)
	if b == nil || b.sees != d.sees(ctx) || !b.names(text) || d.hides(b) {
		return nil, &Error{Kind: Gone, Field: "revision", Detail: "the journey as it was then is not kept any more; ask anew, without revision"}
	}
	return b, nil
}

// keep says by which revision more is asked of a journey, and has its records at hand for that.
func (d *Desk) keep(ctx context.Context, j *Journey, text string, more bool) {
	sees := d.sees(ctx)
	j.Revision = revisionOf(&j.Journey, sees)
	if more && d.builds.get(j.Revision) == nil {
		d.builds.put(newBuild(&j.Journey, text, sees))
	}
}

// sees is what the asker may see of the records.
func (d *Desk) sees(ctx context.Context) string { return fmt.Sprintf("%#v", d.only(ctx)) }

// hides reports whether some of a build has been erased since.
func (d *Desk) hides(b *build) bool {
	return d.cfg.Hides != nil && slices.ContainsFunc(b.keys, func(key string) bool { return d.cfg.Hides(store.Entry{Key: key}) })
}
