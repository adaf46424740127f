package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// There are a thousand rules, of which 20 are of each kind of journeys.
const (
	ruleKinds   = 50
	rulesOfKind = 20
)

// alertsArea measures rules, absences that wait, and how soon a receiver is told.
func alertsArea(b *board) error {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	changing(b)
	return errors.Join(waiting(b), telling(b, dir))
}

// alertRules is a file with the thousand rules and the rest of what stands in it. On a journey
// that stalls at s0, one of the 20 of its kind fires, or all of them.
func alertRules(all bool, rest string) string {
	var text strings.Builder
	text.WriteString("self: false\n" + rest + "rules:\n")
	for kind := range ruleKinds {
		for n := range rulesOfKind {
			station := fmt.Sprint("s", n)
			if all {
				station = "s0"
			}
			fmt.Fprintf(&text, "  - {name: r%d-%d, journey: 'kind == \"POST /%d\" && verdict == \"stalled\" && visited(%q)', title: '{{.correlation_id}} stands still', text: '{{.reason}}'}\n", kind, n, kind, station)
		}
	}
	return text.String()
}

// verdictNews says that the nth journey has stalled, or that it goes on.
func verdictNews(n int, stalled bool, now time.Time) (key string, value []byte) {
	key = fmt.Sprintf("%032d", n)
	verdict := journey.Delivered
	if stalled {
		verdict = journey.Stalled
	}
	value, err := json.Marshal(collector.News{Key: key, At: now, Summary: journey.Summary{
		CorrelationID: key, Verdict: verdict, Kind: fmt.Sprintf("POST /%d", n%ruleKinds), Stations: []string{"gateway", "s0"}, Since: &now, End: now, Reason: "nobody has picked up what bank sent",
	}})
	if err != nil {
		panic(err)
	}
	return key, value
}

// paper keeps and tells nothing.
type paper struct{ bytes int }

func (p *paper) Put(key string, value []byte)                    { p.bytes += len(key) + len(value) }
func (p *paper) Delete(key string)                               { p.bytes += len(key) }
func (*paper) Flush(context.Context) error                       { return nil }
func (*paper) Notify(context.Context, alerts.Notification) error { return nil }

// changing measures what a change of a verdict takes, from the bytes that Kafka gives until
// what follows is in the journal and handed on. Half of them stall, which one or all of the 20
// rules of their kind fire on; the others end what fired two seconds ago.
func changing(b *board) {
	const changes, ahead, perStep = 20_000, 4000, 50 // 25 ms at 2,000 a second
	var news [][]byte
	for i := range changes + ahead {
		n := i / 2
		if i%2 == 1 {
			n -= ahead / 2
		}
		_, value := verdictNews(n, i%2 == 0, parcelStart.Add(time.Duration(i)*500*time.Microsecond))
		news = append(news, value)
	}
	took := func(all bool) func() float64 {
		rules, err := alerts.ParseRules([]byte(alertRules(all, "receivers: [{name: ops}]\nroute: {receiver: ops, group_by: [correlation_id], group_interval: 100ms}\n")))
		if err != nil {
			panic(err)
		}
		return func() float64 {
			part, to, now := alerts.NewPart(alerts.PartConfig{Rules: rules}, func(func(string, []byte) bool) {}), &paper{}, parcelStart
			var began time.Duration
			for i, value := range news {
				if i == ahead {
					runtime.GC()
					began = cpu()
				}
				now = now.Add(500 * time.Microsecond)
				n := decoded(value)
				part.Change(&alerts.Change{Key: n.Key, Was: n.Was, At: n.At, Summary: n.Summary}, &alerts.Taken{Source: "journeys/0", Offset: int64(i), Time: now})
				if i%perStep == perStep-1 {
					part.Pass(now, now)
					if err := part.Step(context.Background(), now, to, to, false); err != nil {
						panic(err)
					}
				}
			}
			return float64(cpu()-began) / changes / 1e3
		}
	}
	decoding := func() float64 {
		runtime.GC()
		began := cpu()
		for _, value := range news[ahead:] {
			decoded(value)
		}
		return float64(cpu()-began) / changes / 1e3
	}
	got := medians(decoding, took(false), took(true))
	b.say("%d rules, %d of each kind; this machine decodes a change in %.1f us", ruleKinds*rulesOfKind, rulesOfKind, got[0])
	b.bounded("change-cpu", "us", got[1], 50)
	b.bounded("change-cpu-20-fire", "us", got[2], 50)
}

func decoded(value []byte) (n collector.News) {
	if err := json.Unmarshal(value, &n); err != nil {
		panic(err)
	}
	return n
}

// manyAbsences are how many wait at a time.
const manyAbsences = 1_000_000

const absenceRule = "  - {name: absent, absence: {after: 'service == \"bank\" && message == \"debited\"', expect: 'message == \"credited\"', within: 24h}}\n"

// waiting measures the heap of a million absences that wait.
func waiting(b *board) error {
	rules, err := alerts.ParseRules([]byte("self: false\nrules:\n" + absenceRule))
	if err != nil {
		return err
	}
	before := heapInUse()
	part, to := alerts.NewPart(alerts.PartConfig{Rules: rules}, func(func(string, []byte) bool) {}), &paper{}
	for i := range manyAbsences {
		now := parcelStart.Add(time.Duration(i) * 10 * time.Microsecond)
		r := record.Record{Time: now, CorrelationKey: fmt.Sprintf("%032d", i), Service: "bank", Message: "debited"}
		part.Record(&r, &alerts.Taken{Source: "records/0", Offset: int64(i), Time: now}, now)
		if i%2000 == 0 {
			if err := part.Step(context.Background(), now, to, to, false); err != nil {
				return err
			}
		}
	}
	b.bounded("absences-heap", "MB", float64(heapInUse()-before)/1e6, 500)
	if n := part.Waiting(); n != manyAbsences {
		return fmt.Errorf("%d absences wait of %d", n, manyAbsences)
	}
	other := record.Record{Time: parcelStart, CorrelationKey: "a", Service: "bank", Message: "something else"}
	began := cpu()
	for i := range manyAbsences {
		part.Record(&other, &alerts.Taken{Source: "records/0", Offset: int64(manyAbsences + i), Time: parcelStart}, parcelStart)
	}
	b.say("a record that no rule concerns takes %.0f ns", float64(cpu()-began)/manyAbsences)
	return nil
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}
