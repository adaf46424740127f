package record_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
)

var update = flag.Bool("update", false, "write testdata anew")

// scene writes records as instrumented services do, on one true clock.
type scene struct {
	now      time.Time
	numbers  map[string]uint64 // last event.sequence by instance
	inHop    map[string]uint64 // last hop.sequence by hop
	sends    map[string]uint64
	opened   map[string]time.Time
	records  []record.Record
	ledgers  []record.Ledger
	withheld map[string]bool // identities that never arrive
}

// visit is one span of a scene.
type visit struct {
	service, node   string
	id, parent, hop string // span IDs; hop empty: the span opens one
	trace, journey  string
	name, kind      string
	links           []record.Link
	with            func(*record.Record)
}

func newScene() *scene {
	return &scene{
		now:     time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC),
		numbers: map[string]uint64{}, inHop: map[string]uint64{}, sends: map[string]uint64{}, opened: map[string]time.Time{}, withheld: map[string]bool{},
	}
}

func (s *scene) after(d time.Duration) *scene {
	s.now = s.now.Add(d)
	return s
}

func (s *scene) write(v visit, r record.Record) {
	s.numbers[v.node]++
	hop := v.hop
	if hop == "" {
		hop = v.id
	}
	s.inHop[hop]++
	r.Time, r.Service, r.Node, r.Environment = s.now, v.service, v.node, "golden"
	r.Sequence, r.HopSequence, r.HopID = s.numbers[v.node], s.inHop[hop], v.hop
	r.CorrelationID, r.TraceID, r.SpanID = v.journey, v.trace, v.id
	if r.Level == "" {
		r.Level = "info"
	}
	if r.Kind == record.KindHopEnd && v.hop == "" {
		r.HopRecords, r.HopSends = s.inHop[hop], s.sends[hop]
	}
	if !s.withheld[record.EventID(r.Node, r.Sequence)] {
		s.records = append(s.records, r)
	}
	s.after(100 * time.Microsecond)
}

func (s *scene) hop(v visit, kind record.Kind) record.Record {
	r := record.Record{Kind: kind, Message: v.name, SpanName: v.name, SpanKind: v.kind, ParentID: v.parent, Links: v.links}
	if v.with != nil {
		v.with(&r)
	}
	return r
}

func (s *scene) start(v visit) {
	s.opened[v.id] = s.now
	if v.kind == "client" || v.kind == "producer" {
		hop := v.hop
		if hop == "" {
			hop = v.id
		}
		s.sends[hop]++
	}
	s.write(v, s.hop(v, record.KindHopStart))
}

// handOn writes to an outbox: a send whose span comes later.
func (s *scene) handOn(v visit) { s.sends[v.id]++ }

func (s *scene) end(v visit, change ...func(*record.Record)) {
	r := s.hop(v, record.KindHopEnd)
	r.Duration, r.Outcome = s.now.Sub(s.opened[v.id]), record.Success
	for _, c := range change {
		c(&r)
	}
	s.write(v, r)
}

func (s *scene) log(v visit, message string, labels ...record.Label) {
	s.write(v, record.Record{Message: message, Labels: labels})
}

func (s *scene) outcome(v visit, declared string) {
	r := record.Record{Message: declared, Kind: record.KindOutcome, Declared: declared, Outcome: record.Success}
	if declared == record.Failed {
		r.Outcome, r.Level, r.Error = record.Failure, "error", record.Error{Type: "*errors.errorString", Message: "the game is withdrawn"}
	}
	s.write(v, r)
}

// ledger is what an instance says now: all its numbers are with Kafka.
func (s *scene) ledger(node string, dropped ...record.Dropped) {
	s.ledgers = append(s.ledgers, record.Ledger{Time: s.now, Node: node, Last: s.numbers[node], Unsettled: s.numbers[node] + 1, Dropped: dropped})
}

func failed(message string) func(*record.Record) {
	return func(r *record.Record) {
		r.Outcome, r.Level, r.Error = record.Failure, "error", record.Error{Type: "*errors.errorString", Message: message}
	}
}

func answered(method, path string, status int) func(*record.Record) {
	return func(r *record.Record) {
		r.HTTP = record.HTTP{Method: method, Route: path, Path: path}
		if r.Kind == record.KindHopEnd {
			r.HTTP.Status = status
		}
	}
}

func message(operation, topic string, partition int32, offset int64, group string) func(*record.Record) {
	return func(r *record.Record) {
		r.Messaging = record.Messaging{System: "kafka", Operation: operation, Topic: topic, Group: group}
		if operation == "process" || r.Kind == record.KindHopEnd {
			r.Messaging.Partition, r.Messaging.Offset, r.Messaging.HasOffset = partition, offset, true
		}
	}
}

// ids makes readable span IDs: the journey's letter, then a number.
func ids(letter string) (id func(n int) string, trace, journey string) {
	journey = "019ab12c3d4e" + strings.Repeat(letter, 20)
	return func(n int) string { return fmt.Sprintf("%s%015x", letter, n) }, journey, journey
}

const (
	gatewayNode = "gateway00000000000001"
	bankNode    = "bank00000000000000001"
	gameNode    = "game00000000000000001"
)

// purchase plays USER1 buying points, each step a function so that journeys can interleave.
func purchase(s *scene, letter string, offset int64) []func() {
	id, trace, journey := ids(letter)
	at := func(service, node string, n, parent, hop int, name, kind string, with func(*record.Record)) visit {
		v := visit{service: service, node: node, id: id(n), trace: trace, journey: journey, name: name, kind: kind, with: with}
		if parent != 0 {
			v.parent = id(parent)
		}
		if hop != 0 {
			v.hop = id(hop)
		}
		return v
	}
	buy := at("gateway", gatewayNode, 1, 0, 0, "POST /purchases", "server", answered("POST", "/purchases", 202))
	call := at("gateway", gatewayNode, 2, 1, 1, "POST /orders", "client", answered("POST", "/orders", 202))
	order := at("bank", bankNode, 3, 2, 0, "POST /orders", "server", answered("POST", "/orders", 202))
	ask := at("bank", bankNode, 4, 3, 0, "send shop.orders", "producer", message("send", "shop.orders", 1, offset, ""))
	credit := at("game", gameNode, 5, 4, 0, "process shop.orders", "consumer", message("process", "shop.orders", 1, offset, "game"))
	confirm := at("game", gameNode, 6, 5, 0, "send shop.confirmations", "producer", message("send", "shop.confirmations", 0, offset, ""))
	open := at("bank", bankNode, 7, 6, 0, "process shop.confirmations", "consumer", message("process", "shop.confirmations", 0, offset, "bank"))
	label := record.Label{Key: "order_id", Value: "A-1001" + letter}
	return []func(){
		func() { s.start(buy); s.start(call) },
		func() { s.after(time.Millisecond).start(order) },
		func() {
			s.log(order, "debited, order is NEW", label, record.Label{Key: "dollars", Value: "100"})
			s.handOn(order)
			s.end(order)
		},
		func() { s.end(call); s.log(buy, "purchase accepted"); s.end(buy) },
		func() { s.start(ask); s.after(time.Millisecond).end(ask) },
		func() { s.after(5 * time.Millisecond).start(credit) },
		func() {
			s.log(credit, "points credited", label, record.Label{Key: "points", Value: "100"})
			s.handOn(credit)
			s.end(credit)
		},
		func() { s.start(confirm); s.after(time.Millisecond).end(confirm) },
		func() { s.after(7 * time.Millisecond).start(open) },
		func() {
			s.log(open, "game confirmed, order is OPEN", label)
			s.outcome(open, record.Delivered)
			s.end(open)
		},
	}
}

func play(steps []func()) {
	for _, step := range steps {
		step()
	}
}

// goldens are the journeys every part of the pipeline is tested with.
func goldens() map[string]*scene {
	out := map[string]*scene{}
	scene := func(name string) *scene {
		out[name] = newScene()
		return out[name]
	}

	play(purchase(scene("purchase"), "a", 15))

	// Two purchases whose records alternate on every instance.
	s := scene("interleaved")
	a, b := purchase(s, "a", 15), purchase(s, "b", 16)
	for i := range a {
		a[i]()
		b[i]()
	}

	// One poll, three messages of three journeys: one hop each. Then one hop that
	// all three caused.
	s = scene("batch")
	var links []record.Link
	for n, letter := range []string{"a", "b", "c"} {
		id, trace, journey := ids(letter)
		send := visit{service: "bank", node: bankNode, id: id(1), trace: trace, journey: journey, name: "send audit", kind: "producer", with: message("send", "audit", 0, int64(n), "")}
		s.start(send)
		s.end(send)
	}
	for n, letter := range []string{"a", "b", "c"} {
		id, trace, journey := ids(letter)
		links = append(links, record.Link{TraceID: trace, SpanID: id(2), CorrelationID: journey})
		handle := visit{service: "audit", node: "audit0000000000000001", id: id(2), parent: id(1), trace: trace, journey: journey, name: "process audit", kind: "consumer", with: message("process", "audit", 0, int64(n), "audit")}
		s.start(handle)
		s.log(handle, "noted")
		s.end(handle)
	}
	id, trace, journey := ids("a")
	report := visit{service: "audit", node: "audit0000000000000001", id: id(3), trace: trace, journey: journey, name: "report", kind: "internal", links: links}
	s.start(report)
	s.end(report)

	// One visit, nothing amiss.
	visitWithLogs(scene("visit"), 5)

	// Numbers that the instance dropped on purpose: not loss.
	s = scene("dropped")
	s.withheld = map[string]bool{gatewayNode + "-3": true, gatewayNode + "-4": true}
	visitWithLogs(s, 5)
	s.ledger(gatewayNode, record.Dropped{From: 3, To: 4, Reason: "buffer full"})

	// The same numbers settled with Kafka and not there: loss.
	s = scene("lost")
	s.withheld = map[string]bool{gatewayNode + "-3": true, gatewayNode + "-4": true}
	visitWithLogs(s, 5)
	s.ledger(gatewayNode)

	// A first instance is killed; its records arrive late, some twice, after those
	// of its successor, which did the work again.
	s = scene("replay")
	id, trace, journey = ids("a")
	first := visit{service: "game", node: gameNode, id: id(2), parent: id(1), trace: trace, journey: journey, name: "process shop.orders", kind: "consumer", with: message("process", "shop.orders", 1, 15, "game")}
	ask := visit{service: "bank", node: bankNode, id: id(1), trace: trace, journey: journey, name: "send shop.orders", kind: "producer", with: message("send", "shop.orders", 1, 15, "")}
	s.start(ask)
	s.end(ask)
	s.start(first)
	s.log(first, "crediting")
	second := first
	second.node, second.id = "game00000000000000002", id(3)
	s.after(10 * time.Second).start(second)
	s.log(second, "points credited")
	s.outcome(second, record.Delivered)
	s.end(second)
	late := append([]record.Record(nil), s.records[2:4]...)
	s.records = append(append(s.records[:2:2], s.records[4:]...), append(late, late...)...)

	// A service that only speaks OpenTelemetry calls one of ours: no numbers, the
	// journey is its trace.
	s = scene("otel")
	id, trace, _ = ids("f")
	foreign := func(n int, r record.Record) {
		r.Time, r.Service, r.Level, r.TraceID, r.CorrelationID, r.ID = s.now, "checkout", "info", trace, trace, fmt.Sprintf("otlp-%d", n)
		s.records = append(s.records, r)
		s.after(time.Millisecond)
	}
	foreign(1, record.Record{Kind: record.KindHopStart, Message: "POST /checkout", SpanID: id(1), SpanName: "POST /checkout", SpanKind: "server"})
	foreign(2, record.Record{Message: "paying", SpanID: id(1)})
	foreign(3, record.Record{Kind: record.KindHopStart, Message: "POST", SpanID: id(2), HopID: id(1), ParentID: id(1), SpanName: "POST", SpanKind: "client"})
	pay := visit{service: "bank", node: bankNode, id: id(3), parent: id(2), trace: trace, journey: trace, name: "POST /payments", kind: "server", with: answered("POST", "/payments", 200)}
	s.start(pay)
	s.log(pay, "paid")
	s.end(pay)
	foreign(4, record.Record{Kind: record.KindHopEnd, Message: "POST", SpanID: id(2), HopID: id(1), ParentID: id(1), SpanName: "POST", SpanKind: "client", Outcome: record.Success, Duration: 4 * time.Millisecond})
	foreign(5, record.Record{Kind: record.KindHopEnd, Message: "POST /checkout", SpanID: id(1), SpanName: "POST /checkout", SpanKind: "server", Outcome: record.Success, Duration: 7 * time.Millisecond})

	// The game fails once, then succeeds on the second attempt.
	s = scene("retried")
	retried(s, true)
	// It fails for good, and says so.
	s = scene("failed")
	retried(s, false)
	return out
}

func visitWithLogs(s *scene, logs int) {
	id, trace, journey := ids("a")
	v := visit{service: "gateway", node: gatewayNode, id: id(1), trace: trace, journey: journey, name: "GET /", kind: "server", with: answered("GET", "/", 200)}
	s.start(v)
	for n := range logs {
		s.log(v, fmt.Sprintf("step %d", n+1))
	}
	s.end(v)
}

func retried(s *scene, well bool) {
	id, trace, journey := ids("a")
	send := visit{service: "bank", node: bankNode, id: id(1), trace: trace, journey: journey, name: "send shop.orders", kind: "producer", with: message("send", "shop.orders", 1, 15, "")}
	s.start(send)
	s.end(send)
	for attempt := range 2 {
		v := visit{service: "game", node: gameNode, id: id(2 + attempt), parent: id(1), trace: trace, journey: journey, name: "process shop.orders", kind: "consumer"}
		v.with = func(r *record.Record) {
			message("process", "shop.orders", 1, 15, "game")(r)
			r.Messaging.Attempt = attempt + 1
		}
		s.after(time.Second).start(v)
		if well && attempt == 1 {
			s.end(v)
			continue
		}
		if !well && attempt == 1 {
			s.outcome(v, record.Failed)
		}
		s.end(v, failed("the game is withdrawn"))
	}
}

func TestGoldenJourneys(t *testing.T) {
	for name, s := range goldens() {
		var lines []byte
		for i := range s.records {
			lines = append(record.Append(lines, &s.records[i]), '\n')
		}
		files := map[string][]byte{name + ".ndjson": lines}
		if s.ledgers != nil {
			b, err := json.MarshalIndent(s.ledgers, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			files[name+".ledgers.json"] = append(b, '\n')
		}
		for file, want := range files {
			file = filepath.Join("testdata", file)
			if *update {
				if err := os.WriteFile(file, want, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s differs from what the contract writes (%v); if that is meant, run with -update and review", file, err)
			}
		}
	}
}
