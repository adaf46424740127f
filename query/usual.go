package query

import (
	"context"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Usual is what journeys of one kind and release do.
type Usual struct {
	journey.Usual
	AsOf *time.Time `json:"as_of"`
}

// Difference is how a journey departs from the usual, or from another.
type Difference struct {
	journey.Difference
	First *journey.Divergence `json:"first,omitempty"` // of all; none where they do not differ
	AsOf  *time.Time          `json:"as_of"`
}

// maxLearned is from how many journeys it is learned what is usual.
const maxLearned = 300

// Usual learns from the newest journeys of a kind that were delivered; an empty release is
// that of the newest.
func (d *Desk) Usual(ctx context.Context, kind, release string) (*Usual, error) {
	asOf := d.AsOf(ctx)
	var l journey.Learner
	learned := 0
	search := filter.Search{Journey: filter.Journey{Verdicts: []string{string(journey.Delivered)}, Kind: kind}, Records: d.only(ctx)}
	_, err := d.each(ctx, search, func(s *store.Summary) bool {
		f, err := journey.ParseFold(s.State)
		if err != nil { // of a version to come
			return true
		}
		c := f.Course()
		if release == "" {
			release = c.Release
		}
		if c.Release == release {
			l.Add(c)
			learned++
		}
		return learned < maxLearned
	})
	if err != nil {
		return nil, cause("learn what is usual", err)
	}
	if learned == 0 {
		return nil, unknown("no journey of kind %q has been delivered yet", kind)
	}
	return &Usual{Usual: l.Usual(), AsOf: told(asOf)}, nil
}

// Diff says how a journey departs from another, or from the usual where with is "usual".
func (d *Desk) Diff(ctx context.Context, text, with string) (*Difference, error) {
	j, err := d.built(ctx, text, maxRecords)
	if err != nil {
		return nil, err
	}
	if with == "usual" {
		u, err := d.Usual(ctx, j.Kind, j.Release)
		if err != nil {
			return nil, err
		}
		return differing(u.Diff(j), j), nil
	}
	other, err := d.built(ctx, with, maxRecords)
	if err != nil {
		return nil, err
	}
	return differing(journey.Diff(j, other), j), nil
}

func differing(d journey.Difference, of *journey.Journey) *Difference {
	if d.Divergences == nil {
		d.Divergences = []journey.Divergence{}
	}
	return &Difference{Difference: d, First: d.First, AsOf: of.AsOf}
}
