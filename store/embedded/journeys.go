package embedded

import (
	"context"
	"slices"

	"github.com/waybill-log/waybill/store"
)

// ByKey implements store.Reader.
func (s *Store) ByKey(ctx context.Context, key string, limit int) (entries []store.Entry, more bool, err error) {
	if key == "" {
		return nil, false, nil
	}
	return s.earliest(ctx, []string{string(keyTerm) + key}, limit)
}

// ByTrace implements store.Reader.
func (s *Store) ByTrace(ctx context.Context, traces []string, limit int) (entries []store.Entry, more bool, err error) {
	var terms []string
	for _, trace := range slices.Compact(slices.Sorted(slices.Values(traces))) {
		if trace != "" {
			terms = append(terms, string(traceTerm)+trace)
		}
	}
	return s.earliest(ctx, terms, limit)
}

// earliest returns the first records that have one of some terms.
func (s *Store) earliest(ctx context.Context, terms []string, limit int) (entries []store.Entry, more bool, err error) {
	err = s.ask(ctx, func(v view) error {
		first := top[store.Entry]{n: limit + 1, compare: store.Compare}
		for _, seg := range v {
			for _, term := range terms {
				err := s.withTerm(seg, term, func(raw []byte) error {
					owned := !first.full() // then it is taken
					if owned {
						raw = slices.Clone(raw) // not to keep whole blocks in memory
					}
					e, err := store.NewEntry(raw)
					if err == nil && !owned && first.takes(e) {
						e, err = store.NewEntry(slices.Clone(raw))
						owned = true
					}
					if err == nil && owned {
						first.add(e)
					}
					return err
				})
				if err != nil {
					return err
				}
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		entries = first.sorted()
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	if len(entries) > limit {
		entries, more = entries[:limit], true
	}
	return entries, more, nil
}
