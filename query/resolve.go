package query

import (
	"context"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Choice is a journey that an ID may mean.
type Choice struct {
	CorrelationID string     `json:"correlation_id"`
	Verdict       string     `json:"verdict,omitempty"` // empty: there is no summary yet
	Kind          string     `json:"kind"`
	Start         *time.Time `json:"start"`
}

// maxChoices is among how many journeys people choose.
const maxChoices = 20

// resolve reads the records of the one journey that a text names: by its whole ID or trace
// in any spelling, else by an alias, its beginning or its end.
func (d *Desk) resolve(ctx context.Context, text string, limit int) (found, error) {
	f, err := d.exactly(ctx, text, limit)
	if err != nil || len(f.records) > 0 {
		return f, err
	}
	for _, part := range parts(text) {
		choices, err := d.lookup(ctx, part)
		switch {
		case err != nil:
			return f, cause("look up journey", err)
		case len(choices) > 1:
			return f, &Error{Kind: Ambiguous, Choices: choices, Detail: "several journeys have " + f.id + "; ask for one of them"}
		case len(choices) == 1:
			return d.exactly(ctx, choices[0].CorrelationID, limit)
		}
	}
	return f, nil
}

// exactly reads the records of the journey that a text names by a whole ID.
func (d *Desk) exactly(ctx context.Context, text string, limit int) (found, error) {
	bare := unwrap(text)
	if len(text) > MaxText || !record.ValidID(bare) {
		if _, ok := traceOf(bare); !ok || len(text) > MaxText {
			return found{}, invalid("id", "a correlation ID is 1 to %d visible ASCII characters", record.MaxIDLen)
		}
	}
	for _, id := range readings(text) {
		f, err := d.find(ctx, id, limit)
		switch {
		case err != nil:
			return f, cause("read journey", err)
		case len(f.candidates) > 0:
			choices, err := d.choicesOf(ctx, f.candidates)
			if err != nil {
				return f, cause("read journey", err)
			}
			return f, &Error{Kind: Ambiguous, Choices: choices, Detail: f.doubt}
		case len(f.records) > 0:
			f.id = id
			return f, nil
		}
	}
	return found{id: bare}, nil
}

// choicesOf says what is known of journeys.
func (d *Desk) choicesOf(ctx context.Context, ids []string) ([]Choice, error) {
	choices := make([]Choice, len(ids))
	for i, id := range ids {
		choices[i] = Choice{CorrelationID: id}
		if i >= maxChoices {
			continue
		}
		summaries, err := d.cfg.Store.SummariesOf(ctx, record.Key(id), nil)
		if err != nil {
			return nil, err
		}
		for _, s := range summaries {
			if record.SameID(s.CorrelationID, id) {
				choices[i] = choiceOf(&s)
			}
		}
	}
	return choices, nil
}

func choiceOf(s *store.Summary) Choice {
	return Choice{CorrelationID: s.CorrelationID, Verdict: s.Verdict, Kind: s.Kind, Start: told(s.Start)}
}

// lookup finds journeys by a part of what names them, the newest first: among summaries, and
// where there is none yet, among records.
func (d *Desk) lookup(ctx context.Context, part store.Lookup) ([]Choice, error) {
	part.Limit = maxChoices
	if part.Check() != nil {
		return nil, nil
	}
	summaries, _, err := d.cfg.Store.Lookup(ctx, part)
	if err != nil {
		return nil, err
	}
	if len(summaries) == 0 {
		ids, err := d.searched(ctx, part)
		if err != nil {
			return nil, err
		}
		return d.choicesOf(ctx, ids)
	}
	var choices []Choice
	for i := range summaries {
		s := &summaries[i]
		if !slices.ContainsFunc(choices, func(c Choice) bool { return record.SameID(c.CorrelationID, s.CorrelationID) }) {
			choices = append(choices, choiceOf(s))
		}
	}
	return choices, nil
}

// searched finds the correlation IDs of records by a part. Those found are left out of the next
// search, so that a long journey hides no other.
func (d *Desk) searched(ctx context.Context, part store.Lookup) (ids []string, err error) {
	var node filter.Node
	switch {
	case part.Alias != "":
		node = filter.Term{Field: "alias.value", Value: part.Alias}
	case part.Prefix != "":
		node = filter.Prefix{Field: "correlation.key", Value: part.Prefix}
	default:
		return nil, nil
	}
	var keys []string
	for len(ids) < maxChoices {
		rest := node
		if len(keys) > 0 {
			rest = filter.And{node, filter.Not{Node: filter.In{Field: "correlation.key", Values: keys}}}
		}
		page, err := d.cfg.Store.Search(ctx, store.Query{Filter: rest, Limit: 100, Budget: budget})
		if err != nil {
			return nil, err
		}
		if len(page.Entries) == 0 {
			break
		}
		for _, e := range page.Entries {
			r, err := record.Decode(e.Raw)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(keys, e.Key) {
				keys = append(keys, e.Key)
			}
			if !slices.ContainsFunc(ids, func(id string) bool { return record.SameID(id, r.CorrelationID) }) {
				ids = append(ids, r.CorrelationID)
			}
		}
	}
	return ids, nil
}
