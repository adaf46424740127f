package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// judging measures what it takes to build journeys and to fold records, beside what the
// machine takes to decode them.
func judging(b *board) error {
	small, large, twice := newTree(10_000), newTree(100_000), newTree(200_000)
	per := func(n int, f func()) float64 {
		runtime.GC()
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		began := threadCPU()
		f()
		return float64(threadCPU()-began) / float64(n)
	}
	ev := journey.Evidence{AsOf: parcelStart.Add(48 * time.Hour)}
	var j *journey.Journey
	fold := func(records []record.Record) func() {
		return func() {
			var f *journey.Fold
			for i := range records {
				if i%16 == 0 { // journeys as long as a shop's
					f = &journey.Fold{}
				}
				f.Add(&records[i])
			}
		}
	}
	got := medians(
		func() float64 {
			return per(len(small.raw), func() {
				for _, raw := range small.raw {
					if _, err := record.Decode(raw); err != nil {
						panic(err)
					}
				}
			})
		},
		func() float64 { return per(len(small.records), func() { j = journey.Build(small.records, ev) }) },
		func() float64 { return per(len(twice.records), func() { j = journey.Build(twice.records, ev) }) },
		func() float64 { return per(len(large.records), func() { j = journey.Build(large.records, ev) }) },
		func() float64 { return per(len(large.records), fold(large.records)) },
		func() float64 {
			return per(len(small.raw), func() {
				for _, raw := range small.raw {
					if _, err := record.View(raw); err != nil {
						panic(err)
					}
				}
			})
		},
	)
	for i := range got {
		got[i] /= 1e3
	}
	decoding, building, buildingTwice, buildingLarge, folding, viewing := got[0], got[1], got[2], got[3], got[4], got[5]
	b.say("this machine decodes a record in %.2f us and views one in %.2f us; %d records make a journey of %d hops", decoding, viewing, len(large.records), len(j.Hops))
	b.beside("build-10k", "us", building, decoding, 2)
	b.beside("build-100k", "s", buildingLarge*float64(len(large.records))/1e6, decoding*float64(len(large.records))/1e6, 0.5)
	b.atMost("build-linear", "us", buildingTwice, buildingLarge, 1.3)
	b.beside("fold", "us", folding, viewing, 0.7)

	whole := 0
	for i := range large.records {
		whole += int(unsafe.Sizeof(large.records[i])) + len(large.records[i].Raw)
	}
	debug.SetGCPercent(-1)
	defer debug.SetGCPercent(100)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	j = journey.Build(large.records, ev)
	runtime.ReadMemStats(&after)
	if len(j.Records) != len(large.records) {
		return fmt.Errorf("the journey has %d records of %d", len(j.Records), len(large.records))
	}
	b.beside("build-memory", "MB", float64(after.TotalAlloc-before.TotalAlloc)/1e6, float64(whole)/1e6, 3*float64(whole)/1e6)
	return nil
}

// tree is a journey of services that call each other and send each other messages: about
// eight records a hop.
type tree struct {
	records []record.Record
	raw     [][]byte

	random   *rand.Rand
	now      time.Time
	sequence []uint64
	spans    uint64
	offset   int64
	waiting  []func() // messages that have not been picked up
}

func newTree(size int) *tree {
	t := &tree{random: rand.New(rand.NewPCG(uint64(size), 1)), now: parcelStart, sequence: make([]uint64, len(parcelServices))}
	const fanOut = 5
	for len(t.records) < size-100 {
		root := t.span()
		t.hop(0, root, "", "server", record.Messaging{}, fanOut, size)
		for len(t.waiting) > 0 {
			next := t.waiting[0]
			t.waiting = t.waiting[1:]
			next()
		}
	}
	for i := range t.records {
		t.raw = append(t.raw, record.Append(nil, &t.records[i]))
		t.records[i].Raw = t.raw[i]
	}
	return t
}

func (t *tree) span() string {
	t.spans++
	return fmt.Sprintf("%016x", t.spans)
}

// hop writes a visit to a service, and visits that it causes while there is room.
func (t *tree) hop(service int, span, parent, kind string, m record.Messaging, causes, size int) {
	number := uint64(0)
	write := func(r record.Record) {
		number++
		t.sequence[service]++
		t.now = t.now.Add(time.Duration(1+t.random.IntN(2000)) * time.Microsecond)
		r.Time, r.Level, r.Service, r.Node = t.now, "info", parcelServices[service], parcelServices[service]+"-19ab12c3d4e5f607"
		r.Sequence, r.CorrelationID, r.TraceID, r.HopSequence = t.sequence[service], "01970ab12c3d4e5f60718293a4b5c6d7", "01970ab12c3d4e5f60718293a4b5c6d7", number
		if r.SpanID == "" {
			r.SpanID, r.ParentID = span, parent
		} else {
			r.HopID = span
		}
		t.records = append(t.records, r)
	}
	write(record.Record{Kind: record.KindHopStart, Message: kind, SpanName: "POST /orders", SpanKind: kind, Messaging: m})
	sends := uint64(0)
	for n := range causes {
		for k := range 3 {
			write(record.Record{Message: parcelTexts[(3*n+k)%len(parcelTexts)], Labels: []record.Label{{Key: "order_id", Value: "1234567"}}})
		}
		if len(t.records) > size {
			continue
		}
		sends++
		to, out := t.random.IntN(len(parcelServices)), t.span()
		about := record.Record{SpanID: out, ParentID: span, SpanKind: "client", SpanName: "POST"}
		if n%2 == 1 {
			t.offset++
			about.SpanKind, about.SpanName = "producer", "send orders"
			about.Messaging = record.Messaging{System: "kafka", Topic: "orders", Offset: t.offset, HasOffset: true}
			message := about.Messaging
			message.Group = parcelServices[to]
			t.waiting = append(t.waiting, func() { t.hop(to, t.span(), out, "consumer", message, t.random.IntN(3), size) })
		}
		about.Kind = record.KindHopStart
		write(about)
		if n%2 == 0 {
			t.hop(to, t.span(), out, "server", record.Messaging{}, t.random.IntN(3), size)
		}
		about.Kind, about.Outcome, about.Duration = record.KindHopEnd, record.Success, time.Millisecond
		write(about)
	}
	write(record.Record{
		Kind: record.KindHopEnd, Message: kind, SpanName: "POST /orders", SpanKind: kind, Messaging: m, Outcome: record.Success, Duration: time.Millisecond,
		HopRecords: number + 1, HopSends: sends,
	})
}
