package query

import (
	"context"
	"strings"
	"time"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Histogram counts records by time.
type Histogram struct {
	From    time.Time     `json:"from"`
	Until   time.Time     `json:"until"`
	Step    time.Duration `json:"step"` // ns
	Buckets []Bucket      `json:"buckets"`
	Partial bool          `json:"partial"` // not everything was counted
	AsOf    *time.Time    `json:"as_of"`
}

// Bucket is one step that is not empty.
type Bucket struct {
	Start time.Time `json:"start"`
	Count int64     `json:"count"`
}

// steps are those that people can read.
var steps = []time.Duration{
	time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
	time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour, 365 * 24 * time.Hour,
}

// Where a query does not say: the time that is counted, and in how many steps at most.
const (
	usualSpan  = time.Hour
	usualSteps = 120
)

// Histogram counts what a query asks for; a step of 0 is chosen.
func (d *Desk) Histogram(ctx context.Context, text string, step time.Duration) (*Histogram, error) {
	q, partial, err := d.counted(ctx, text)
	if err != nil {
		return nil, err
	}
	if q.Until.IsZero() {
		q.Until = time.Now().UTC()
	}
	if q.From.IsZero() {
		q.From = q.Until.Add(-usualSpan)
	}
	for i := 0; step == 0; i++ {
		if i == len(steps)-1 || q.Until.Sub(q.From)/steps[i] <= usualSteps {
			step = steps[i]
		}
	}
	asOf := d.AsOf(ctx)
	h, err := d.cfg.Store.Histogram(ctx, q, step)
	if err != nil {
		return nil, cause("count records", err)
	}
	out := &Histogram{From: q.From, Until: q.Until, Step: step, Buckets: []Bucket{}, Partial: partial || h.Partial, AsOf: told(asOf)}
	for _, b := range h.Buckets {
		out.Buckets = append(out.Buckets, Bucket{b.Start.UTC(), b.Count})
	}
	return out, nil
}

// Facets counts the values of a field.
type Facets struct {
	Field   string     `json:"field"`
	Values  []Value    `json:"values"`  // the most frequent first
	Others  int64      `json:"others"`  // records with a value that is not listed
	Partial bool       `json:"partial"` // not everything was counted
	AsOf    *time.Time `json:"as_of"`
}

// Value is one of a field.
type Value struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// Facets counts the n most frequent values of a field in what a query asks for.
func (d *Desk) Facets(ctx context.Context, text, field string, n int) (*Facets, error) {
	q, partial, err := d.counted(ctx, text)
	if err != nil {
		return nil, err
	}
	if !filter.Faceted(field) {
		return nil, invalid("field", "values of %.40q cannot be counted; those of %s can", field, strings.Join(filter.Facets(), ", "))
	}
	asOf := d.AsOf(ctx)
	f, err := d.cfg.Store.Facets(ctx, q, field, n)
	if err != nil {
		return nil, cause("count values", err)
	}
	out := &Facets{Field: field, Values: []Value{}, Others: f.Others, Partial: partial || f.Partial, AsOf: told(asOf)}
	for _, v := range f.Values {
		out.Values = append(out.Values, Value(v))
	}
	return out, nil
}

// Services lists the services that have written something.
type Services struct {
	Services []Service  `json:"services"` // the busiest first
	Partial  bool       `json:"partial"`
	AsOf     *time.Time `json:"as_of"`
}

// Service is one of them.
type Service struct {
	Name    string `json:"name"`
	Records int64  `json:"records"`
	Errors  int64  `json:"errors"` // records of level error
}

// MaxServices is how many services are listed at most.
const MaxServices = 1000

// Services counts the records of each service in what a query asks for.
func (d *Desk) Services(ctx context.Context, text string) (*Services, error) {
	q, partial, err := d.counted(ctx, text)
	if err != nil {
		return nil, err
	}
	asOf := d.AsOf(ctx)
	all, err := d.cfg.Store.Facets(ctx, q, "service.name", MaxServices)
	if err != nil {
		return nil, cause("count services", err)
	}
	q.Filter = both(filter.Term{Field: "log.level", Value: "error"}, q.Filter)
	failed, err := d.cfg.Store.Facets(ctx, q, "service.name", store.MaxLimit)
	if err != nil {
		return nil, cause("count services", err)
	}
	errors := map[string]int64{}
	for _, v := range failed.Values {
		errors[v.Value] = v.Count
	}
	out := &Services{Services: []Service{}, Partial: partial || all.Partial || failed.Partial, AsOf: told(asOf)}
	for _, v := range all.Values {
		out.Services = append(out.Services, Service{Name: v.Value, Records: v.Count, Errors: errors[v.Value]})
	}
	return out, nil
}

// Stats says how much is stored.
type Stats struct {
	Records int64         `json:"records"`
	Lag     time.Duration `json:"lag"`    // ns; how long after it was stored a record may still be missing from answers
	Behind  int64         `json:"behind"` // ns that the horizon is behind the clock; negative: not known
	AsOf    *time.Time    `json:"as_of"`
}

// Stats counts everything.
func (d *Desk) Stats(ctx context.Context) (*Stats, error) {
	asOf := d.AsOf(ctx)
	n, err := d.cfg.Store.Count(ctx)
	if err != nil {
		return nil, cause("count records", err)
	}
	out := &Stats{Records: n, Lag: d.cfg.Store.Lag(), Behind: -1, AsOf: told(asOf)}
	if !asOf.IsZero() {
		out.Behind = int64(max(0, time.Since(asOf)))
	}
	return out, nil
}
