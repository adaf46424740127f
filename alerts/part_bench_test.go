package alerts

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// void keeps and tells nothing.
type void struct{ bytes int }

func (v *void) Put(key string, value []byte)             { v.bytes += len(key) + len(value) }
func (v *void) Delete(key string)                        { v.bytes += len(key) }
func (*void) Flush(context.Context) error                { return nil }
func (*void) Notify(context.Context, Notification) error { return nil }
func manyRules(tb testing.TB, kinds, of int, s string) *Rules {
	var b strings.Builder
	b.WriteString("self: false\nreceivers: [{name: ops}]\nroute: {receiver: ops, group_by: [correlation_id], group_interval: 100ms}\nrules:\n")
	for k := range kinds {
		for i := range of {
			fmt.Fprintf(&b, "  - {name: r%d-%d, journey: 'kind == \"POST /%d\" && verdict == \"stalled\" && visited(\"%s\")', title: '{{.correlation_id}} stands still', text: '{{.reason}}'}\n", k, i, k, fmt.Sprintf(s, i, 0))
		}
	}
	rs, err := ParseRules([]byte(b.String()))
	if err != nil {
		tb.Fatal(err)
	}
	return rs
}

// BenchmarkChange is a change of verdict until its notification is queued, with 1,000 rules of
// which 20 match each kind: as the issue counts it, a stall and its end, and one or all of
// the 20 fire.
func BenchmarkChange(b *testing.B) {
	for name, station := range map[string]string{"one of 20 fires": "s%[1]d", "20 of 20 fire": "s%[2]d"} {
		b.Run(name, func(b *testing.B) {
			part := NewPart(PartConfig{Rules: manyRules(b, 50, 20, station)}, func(func(string, []byte) bool) {})
			now, v := start, &void{}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				since := now
				c := &Change{Key: fmt.Sprint(i / 2), At: now, Summary: journey.Summary{
					CorrelationID: fmt.Sprint(i / 2), Verdict: [...]journey.Verdict{journey.Stalled, journey.Delivered}[i%2], Kind: fmt.Sprintf("POST /%d", i/2%50),
					Stations: []string{"gateway", "s0"}, Since: &since, Reason: "nobody has picked up what bank sent", End: now,
				}}
				part.Change(c, &Taken{Source: "journeys/0", Offset: int64(i), Time: now})
				now = now.Add(500 * time.Microsecond)
				if i%50 == 49 { // 25 ms at 2,000 a second
					part.Pass(now, now)
					if err := part.Step(b.Context(), now, v, v, false); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(v.bytes)/float64(b.N), "journal-B/op")
		})
	}
}

// BenchmarkRecord is a record that no rule, or one absence, concerns.
func BenchmarkRecord(b *testing.B) {
	rs, err := ParseRules([]byte(absenceRule))
	if err != nil {
		b.Fatal(err)
	}
	part := NewPart(PartConfig{Rules: rs}, func(func(string, []byte) bool) {})
	r := record.Record{Time: start, CorrelationKey: "a", Service: "bank", Message: "something else"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		part.Record(&r, &Taken{Source: "records/0", Offset: int64(i), Time: start}, start)
	}
}

// BenchmarkWaits is the memory of a million absences that wait.
func BenchmarkWaits(b *testing.B) {
	rs, err := ParseRules([]byte(absenceRule))
	if err != nil {
		b.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	for b.Loop() {
		before := heap()
		part := NewPart(PartConfig{Rules: rs}, func(func(string, []byte) bool) {})
		v := &void{}
		for i := range 1_000_000 {
			now := start.Add(time.Duration(i) * 10 * time.Microsecond)
			r := record.Record{Time: now, CorrelationKey: fmt.Sprintf("%032d", i), Service: "bank", Message: "debited"}
			part.Record(&r, &Taken{Source: "records/0", Offset: int64(i), Time: now}, now)
			if i%2000 == 0 {
				if err := part.Step(b.Context(), now, v, v, false); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(heap()-before)/1e6, "MB")
		if part.Waiting() != 1_000_000 {
			b.Fatal(part.Waiting())
		}
	}
}
