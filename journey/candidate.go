package journey

import (
	"slices"

	"github.com/waybill-log/waybill/record"
)

// Select picks, from records that share a correlation key, those of the journey
// that id names. IDs that differ by more than the spelling of a UUID are
// separate journeys: where id is none of several, nothing is selected and the
// candidates are returned, sorted.
func Select(records []record.Record, id string) (selected []record.Record, candidates []string) {
	byID := map[string][]record.Record{} // by the first spelling met
	var ids []string
	for _, r := range records {
		same := slices.IndexFunc(ids, func(known string) bool { return record.SameID(known, r.CorrelationID) })
		if same < 0 {
			same = len(ids)
			ids = append(ids, r.CorrelationID)
		}
		byID[ids[same]] = append(byID[ids[same]], r)
	}
	for _, known := range ids {
		if len(ids) == 1 || record.SameID(known, id) {
			return byID[known], nil
		}
	}
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
func correlationID(records []record.Record) (id string) {
	for i := range records {
		r := &records[i]
		if r.CorrelationID != "" && !Fallback(r) {
			return r.CorrelationID
		}
		if id == "" {
			id = r.CorrelationID
		}
	}
	return id
}
