package terminal

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/record"
)

// Column is one thing that a table tells of a T.
type Column[T any] struct {
	Name  string
	value func(s *Style, of *T) string
	paint func(value string) string // how; nil: plain
}

// What tables tell if nobody says.
var (
	defaultJourneyColumns = []string{"id", "verdict", "start", "took", "kind", "stations"}
	defaultRecordColumns  = []string{"time", "level", "service", "message", "id"}
)

var journeyColumns = []Column[query.Summary]{
	{"id", func(_ *Style, j *query.Summary) string { return j.CorrelationID }, nil},
	{"verdict", func(_ *Style, j *query.Summary) string { return j.Verdict }, func(v string) string {
		if how := verdictColours[journey.Verdict(v)]; how != "" {
			return how
		}
		return yellow
	}},
	{"start", func(s *Style, j *query.Summary) string { return s.Moment(j.Start) }, nil},
	{"end", func(s *Style, j *query.Summary) string { return s.Moment(j.End) }, nil},
	{"took", func(_ *Style, j *query.Summary) string { return span(j.End.Sub(j.Start)) }, nil},
	{"kind", func(_ *Style, j *query.Summary) string { return j.Kind }, nil},
	{"release", func(_ *Style, j *query.Summary) string { return j.Release }, nil},
	{"stations", func(_ *Style, j *query.Summary) string { return strings.Join(j.Stations, " ") }, nil},
	{"completeness", func(_ *Style, j *query.Summary) string { return j.Completeness }, nil},
	{"aliases", func(_ *Style, j *query.Summary) string { return strings.Join(j.Aliases, " ") }, nil},
	{"errors", func(_ *Style, j *query.Summary) string { return strconv.FormatBool(j.Errors) }, nil},
	{"open", func(_ *Style, j *query.Summary) string { return strconv.Itoa(j.OpenHops) }, nil},
}

var recordColumns = []Column[record.Record]{
	{"time", func(s *Style, r *record.Record) string { return s.Moment(r.Time) }, nil},
	{"level", func(_ *Style, r *record.Record) string { return r.Level }, func(v string) string { return levelColours[v] }},
	{"service", func(_ *Style, r *record.Record) string { return r.Service }, ofService},
	{"message", func(_ *Style, r *record.Record) string {
		if r.Message == "" && r.SpanName != "" {
			return string(r.Kind) + " " + r.SpanName
		}
		return r.Message
	}, nil},
	{"id", func(_ *Style, r *record.Record) string { return r.CorrelationID }, nil},
	{"event", func(_ *Style, r *record.Record) string { return r.Identity() }, nil},
	{"version", func(_ *Style, r *record.Record) string { return r.ServiceVer }, nil},
	{"instance", func(_ *Style, r *record.Record) string { return r.Node }, nil},
	{"sequence", func(_ *Style, r *record.Record) string { return number(int64(r.Sequence)) }, nil},
	{"error", func(_ *Style, r *record.Record) string { return r.Error.Message }, nil},
	{"type", func(_ *Style, r *record.Record) string { return string(r.Kind) }, nil},
	{"outcome", func(_ *Style, r *record.Record) string { return r.Outcome }, nil},
	{"operation", func(_ *Style, r *record.Record) string { return r.SpanName }, nil},
	{"topic", func(_ *Style, r *record.Record) string { return r.Messaging.Topic }, nil},
	{"status", func(_ *Style, r *record.Record) string { return number(int64(r.HTTP.Status)) }, nil},
	{"duration", func(_ *Style, r *record.Record) string {
		if r.Duration == 0 {
			return ""
		}
		return span(r.Duration)
	}, nil},
	{"trace", func(_ *Style, r *record.Record) string { return r.TraceID }, nil},
	{"span", func(_ *Style, r *record.Record) string { return r.SpanID }, nil},
	{"saga", func(_ *Style, r *record.Record) string { return r.Saga.ID }, nil},
}

// number is one that is left out where it is none.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// maxColumns is how many a table has.
const maxColumns = 50

// JourneyColumns are those of some names; of none, the usual ones.
func JourneyColumns(names []string) ([]Column[query.Summary], error) {
	return chosen(names, defaultJourneyColumns, journeyColumns, func(string) (Column[query.Summary], bool) { return Column[query.Summary]{}, false }, "")
}

// RecordColumns are those of some names; of none, the usual ones.
func RecordColumns(names []string) ([]Column[record.Record], error) {
	return chosen(names, defaultRecordColumns, recordColumns, func(name string) (Column[record.Record], bool) {
		key, ok := strings.CutPrefix(name, "label.")
		return Column[record.Record]{Name: name, value: func(_ *Style, r *record.Record) string {
			for _, l := range r.Labels {
				if l.Key == key {
					return l.Value
				}
			}
			return ""
		}}, ok && key != ""
	}, "label.KEY, ")
}

func chosen[T any](names, usual []string, all []Column[T], other func(name string) (Column[T], bool), more string) (out []Column[T], err error) {
	if len(names) == 0 {
		names = usual
	}
	if len(names) > maxColumns {
		return nil, fmt.Errorf("a table has at most %d columns, not %d", maxColumns, len(names))
	}
	for _, name := range names {
		if i := slices.IndexFunc(all, func(c Column[T]) bool { return c.Name == name }); i >= 0 {
			out = append(out, all[i])
		} else if c, ok := other(name); ok {
			out = append(out, c)
		} else {
			return nil, fmt.Errorf("no column %q; there are %s%s", name, more, strings.Join(ColumnNames(all), ", "))
		}
	}
	return out, nil
}

// ColumnNames are the names of columns.
func ColumnNames[T any](columns []Column[T]) (names []string) {
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// AllColumnNames are what tables of journeys, and of records, can tell.
func AllColumnNames() (ofJourneys, ofRecords []string) {
	return ColumnNames(journeyColumns), ColumnNames(recordColumns)
}
