package elastic

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/waybill-log/waybill/store"
)

// summaryDoc is a summary's document. Its ID is that of the journey, its index that
// of the day. What the template does not name is kept, and not searched for.
type summaryDoc struct {
	ID            string    `json:"id"`
	Day           string    `json:"day"`
	Partition     int32     `json:"partition"`
	Key           string    `json:"key"`
	Reversed      string    `json:"reversed"`
	CorrelationID string    `json:"correlation_id"`
	Verdict       string    `json:"verdict"`
	Completeness  string    `json:"completeness,omitempty"`
	Kind          string    `json:"kind,omitempty"`
	Release       string    `json:"release,omitempty"`
	Start         time.Time `json:"start"`
	End           time.Time `json:"end"`
	Took          int64     `json:"took"` // ns
	Services      []string  `json:"services,omitempty"`
	Traces        []string  `json:"traces,omitempty"`
	Aliases       []string  `json:"aliases,omitempty"`
	Part          bool      `json:"part"`
	PartOf        string    `json:"part_of,omitempty"`
	Failed        bool      `json:"failed"`
	OpenHops      int       `json:"open_hops"`
	Check         time.Time `json:"check,omitzero"`
	Announced     string    `json:"announced,omitempty"`
	State         []byte    `json:"state"`
}

func newSummaryDoc(s *store.Summary) summaryDoc {
	return summaryDoc{
		ID: s.ID.String(), Day: dateText(s.Day), Partition: s.Partition, Key: s.Key, Reversed: store.Reversed(s.Key), CorrelationID: s.CorrelationID,
		Verdict: s.Verdict, Completeness: s.Completeness, Kind: s.Kind, Release: s.Release, Start: s.Start.UTC(), End: s.End.UTC(), Took: int64(s.Took()),
		Services: s.Services, Traces: s.Traces, Aliases: s.Aliases, Part: s.PartOf != "", PartOf: s.PartOf,
		Failed: s.Failed, OpenHops: s.OpenHops, Check: s.Check.UTC(), Announced: s.Announced, State: s.State,
	}
}

// summary reads the document that was found.
func (h *hit) summary() (store.Summary, error) {
	var d summaryDoc
	err := json.Unmarshal(h.Source, &d)
	if err != nil {
		return store.Summary{}, fmt.Errorf("%w: document %s in %s is no summary: %w", store.ErrUnavailable, h.ID, h.Index, err)
	}
	sum := store.Summary{
		Revision: h.revision(), Partition: d.Partition, Key: d.Key, CorrelationID: d.CorrelationID,
		Verdict: d.Verdict, Completeness: d.Completeness, Kind: d.Kind, Release: d.Release, Start: d.Start, End: d.End,
		Services: d.Services, Traces: d.Traces, Aliases: d.Aliases, PartOf: d.PartOf,
		Failed: d.Failed, OpenHops: d.OpenHops, Check: d.Check, Announced: d.Announced, State: d.State,
	}
	if sum.ID, err = summaryID(h.ID); err == nil {
		sum.Day, err = time.Parse(time.DateOnly, d.Day)
	}
	if err != nil {
		return store.Summary{}, fmt.Errorf("%w: document %s in %s is no summary: %w", store.ErrUnavailable, h.ID, h.Index, err)
	}
	return sum, nil
}

// revision is zero for no document: primary terms count from 1.
func (h *hit) revision() store.Revision {
	return store.Revision{Number: h.SeqNo, Term: h.PrimaryTerm}
}

func summaryID(text string) (id store.SummaryID, err error) {
	b, err := hex.DecodeString(text)
	if err == nil && copy(id[:], b) < len(id) {
		err = fmt.Errorf("its ID has %d bytes, want %d", len(b), len(id))
	}
	return id, err
}

// dateText is a day as the template has it.
func dateText(day time.Time) string { return day.UTC().Format(time.DateOnly) }

// journeysIndex is the index of a day's summaries.
func (s *Store) journeysIndex(day time.Time) string {
	return s.prefix + "-journeys-" + day.UTC().Format(dayLayout)
}
