package journey

import (
	"maps"
	"slices"

	"github.com/waybill-log/waybill/record"
)

// Select picks, from records that share a correlation key, those of the journey
// that id names. IDs that differ by more than the spelling of a UUID are
// separate journeys: where id is none of several, nothing is selected and the
// candidates are returned, sorted. What is selected may share records' memory.
func Select(records []record.Record, id string) (selected []record.Record, candidates []string) {
	one := true // as nearly always
	for i := range records {
		one = one && records[i].CorrelationID == records[0].CorrelationID
	}
	if one {
		return slices.Clip(records), nil
	}
	type spelling struct{ key, exact string }
	byID := map[spelling][]record.Record{}
	first := map[spelling]string{} // the first spelling met
	of := func(id string) spelling {
		if key := record.Key(id); record.SameID(key, id) { // its own key, or a UUID
			return spelling{key: key}
		}
		return spelling{exact: id}
	}
	for i := range records {
		at := of(records[i].CorrelationID)
		if _, ok := first[at]; !ok {
			first[at] = records[i].CorrelationID
		}
		byID[at] = append(byID[at], records[i])
	}
	if len(byID) == 1 {
		return slices.Clip(records), nil
	}
	if named := byID[of(id)]; len(named) > 0 {
		return named, nil
	}
	if len(first) == 0 {
		return nil, nil
	}
	ids := slices.Collect(maps.Values(first))
	slices.Sort(ids)
	return nil, ids
}

// Fallback reports whether r may have been shipped under its trace ID because no
// correlation ID of that trace was known: nobody numbered it, and it has no other.
func Fallback(r *record.Record) bool {
	return r.Sequence == 0 && r.TraceID != "" && r.CorrelationKey == record.Key(r.TraceID)
}

// correlationID is that of the first record which does not merely fall back on
// its trace ID, else of the first that has any.
func correlationID(records []*record.Record) (id string) {
	for _, r := range records {
		if r.CorrelationID != "" && !Fallback(r) {
			return r.CorrelationID
		}
		if id == "" {
			id = r.CorrelationID
		}
	}
	return id
}
