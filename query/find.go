package query

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// maxTraces bounds the traces of one journey that are searched for records
// shipped before its correlation ID was known.
const maxTraces = 256

// found is what the store has of the journey that an ID names.
type found struct {
	id         string // as it was understood
	records    []record.Record
	more       bool     // records were left out
	candidates []string // journeys that the ID may mean; then there are no records
	doubt      string   // why there are several
}

// find reads the records of one journey: those of its correlation ID, and those
// that services without one wrote in its traces. A trace ID names the journey
// that its trace is part of. At most limit records are read of each key.
func (d *Desk) find(ctx context.Context, id string, limit int) (f found, err error) {
	records, more, err := d.byKey(ctx, record.Key(id), limit)
	if err != nil {
		return f, err
	}
	if trace := record.Key(id); isTrace(trace) && !slices.ContainsFunc(records, named) {
		owners, err := d.owners(ctx, []string{trace})
		switch ids := owners[trace]; {
		case err != nil:
			return f, err
		case len(ids) == 1:
			id = ids[0]
			if records, more, err = d.byKey(ctx, record.Key(id), limit); err != nil {
				return f, err
			}
		case len(ids) > 1 && len(records) == 0:
			slices.Sort(ids)
			return found{candidates: ids, doubt: "several journeys share this trace; ask for one of them"}, nil
		}
	}
	f.more = more
	if f.records, f.candidates = journey.Select(records, id); len(f.records) == 0 {
		f.doubt = "several journeys share this ID but for its case; ask for one of them"
		return f, nil
	}
	joined, more, err := d.unnamed(ctx, f.records, limit)
	f.records, f.more = append(f.records, joined...), f.more || more
	return f, err
}

// named reports whether somebody gave a record its correlation ID.
func named(r record.Record) bool { return !journey.Fallback(&r) }

// isTrace reports whether a correlation key has the form of a trace ID.
func isTrace(key string) bool {
	if len(key) != 32 {
		return false
	}
	for _, c := range key {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// unnamed reads the records in a journey's traces that fall back on their trace
// ID. They are the journey's if all that has a correlation ID in that trace is.
func (d *Desk) unnamed(ctx context.Context, of []record.Record, limit int) (joined []record.Record, more bool, err error) {
	traces := map[string]bool{}
	for i := range of {
		if t := of[i].TraceID; t != "" && record.Key(t) != of[i].CorrelationKey {
			traces[t] = true
		}
	}
	waiting := map[string][]record.Record{}
	for n, t := range slices.Sorted(maps.Keys(traces)) {
		if n == maxTraces {
			more = true
			break
		}
		records, over, err := d.byKey(ctx, record.Key(t), limit)
		if err != nil {
			return nil, false, err
		}
		more = more || over
		if len(records) > 0 && !slices.ContainsFunc(records, named) {
			waiting[t] = records
		}
	}
	owners, err := d.owners(ctx, slices.Collect(maps.Keys(waiting)))
	if err != nil {
		return nil, false, err
	}
	for t, records := range waiting {
		if ids := owners[t]; len(ids) == 1 && record.SameID(ids[0], of[0].CorrelationID) {
			joined = append(joined, records...)
		}
	}
	return joined, more, nil
}

// owners are the correlation IDs that somebody gave the records of each trace,
// as far as the earliest maxRecords tell.
func (d *Desk) owners(ctx context.Context, traces []string) (map[string][]string, error) {
	if len(traces) == 0 {
		return nil, nil
	}
	records, _, err := decode(d.cfg.Store.ByTrace(ctx, traces, maxRecords))
	if err != nil {
		return nil, err
	}
	owners := map[string][]string{}
	for i := range records {
		r := &records[i]
		known := func(id string) bool { return record.SameID(id, r.CorrelationID) }
		if r.CorrelationID != "" && !journey.Fallback(r) && !slices.ContainsFunc(owners[r.TraceID], known) {
			owners[r.TraceID] = append(owners[r.TraceID], r.CorrelationID)
		}
	}
	return owners, nil
}

func (d *Desk) byKey(ctx context.Context, key string, limit int) ([]record.Record, bool, error) {
	return decode(d.cfg.Store.ByKey(ctx, key, limit))
}

// together is how many records are decoded one after the other.
const together = 2000

// decode reads all but labels, which no verdict rests on. The records share the entries' memory.
func decode(entries []store.Entry, more bool, err error) ([]record.Record, bool, error) {
	if err != nil {
		return nil, false, err
	}
	records := make([]record.Record, len(entries))
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(entries); from += together {
		all.Go(func() error {
			for i := from; i < min(from+together, len(entries)); i++ {
				var err error
				if records[i], err = record.View(entries[i].Raw); err != nil {
					return fmt.Errorf("record %s: %w", entries[i].ID, err)
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return nil, false, err
	}
	return records, more, nil
}
