package doctor

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
)

// traffic writes records as services do.
type traffic struct {
	records []record.Record
	spans   int
	now     time.Time
}

func newTraffic() *traffic {
	return &traffic{now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
}

// span is one to be written; its records are a hop.start and a hop.end a millisecond later.
type span struct {
	service, kind, id, trace, parent string
	method, path, route, host        string
	topic                            string
	partition                        int32
	offset                           int64
	placed                           bool
	labels                           []record.Label
	took                             time.Duration
	failed                           bool
}

// add writes a span and returns its ID.
func (t *traffic) add(s span) string {
	t.spans++
	id := fmt.Sprintf("%016x", t.spans)
	r := record.Record{
		Time: t.now, Kind: record.KindHopStart, Service: s.service, Node: s.service + "-1", CorrelationID: s.id, TraceID: s.trace, SpanID: id, ParentID: s.parent,
		SpanKind: s.kind, SpanName: strings.TrimSpace(s.method + " " + s.path + s.topic),
		HTTP:      record.HTTP{Method: s.method, Path: s.path, Route: s.route},
		Messaging: record.Messaging{Topic: s.topic, Partition: s.partition, Offset: s.offset, HasOffset: s.placed},
		Labels:    s.labels,
	}
	if s.host != "" {
		r.Labels = append(r.Labels, record.Label{Key: "server.address", Value: s.host})
	}
	t.records = append(t.records, r)
	r.Kind, r.Duration = record.KindHopEnd, max(s.took, time.Millisecond)
	if s.failed {
		r.Outcome = record.Failure
	}
	r.Time = r.Time.Add(r.Duration)
	t.records = append(t.records, r)
	return id
}

// later lets time go by.
func (t *traffic) later(d time.Duration) { t.now = t.now.Add(d) }

func (t *traffic) report() Report { return Propagation(Spans(slices.Values(t.records)), time.Time{}) }

// id is a correlation ID, which is a trace ID too.
func id(n int) string { return fmt.Sprintf("%032x", 0x9000_0000+n) }

// call is a visit of the gateway that calls the bank. The bank's visit is the caller's to write.
func (t *traffic) call(n int) (client string) {
	server := t.add(span{service: "gateway", kind: "server", id: id(n), trace: id(n), method: "POST", path: "/buy", took: 20 * time.Millisecond})
	return t.add(span{service: "gateway", kind: "client", id: id(n), trace: id(n), parent: server, method: "POST", path: "/orders", host: "bank", took: 10 * time.Millisecond})
}

func lines(r Report) string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, f.String())
	}
	for _, d := range r.Doubts {
		out = append(out, d.String())
	}
	return strings.Join(out, "\n")
}

func TestHealthyTrafficIsPassedOverInSilence(t *testing.T) {
	tr := newTraffic()
	for n := range 20 {
		client := tr.call(n)
		bank := tr.add(span{service: "bank", kind: "server", id: id(n), trace: id(n), parent: client, method: "POST", path: "/orders"})
		tr.add(span{service: "bank", kind: "client", id: id(n), trace: id(n), parent: bank, method: "POST", path: "/query", host: "database"})
		producer := tr.add(span{service: "bank", kind: "producer", id: id(n), trace: id(n), parent: bank, topic: "orders", offset: int64(n), placed: true})
		tr.add(span{service: "game", kind: "consumer", id: id(n), trace: id(n), parent: producer, topic: "orders", offset: int64(n), placed: true})
		tr.later(time.Second)
	}
	r := tr.report()
	if !r.Healthy() {
		t.Errorf("found\n%s", lines(r))
	}
	if r.Sends != 60 || r.Arrived != 40 || r.Unheard != 20 {
		t.Errorf("looked at %d, arrived %d, unheard %d", r.Sends, r.Arrived, r.Unheard)
	}
}

func TestTheHopIsNamedWhereAnIDDies(t *testing.T) {
	tests := []struct {
		name string
		far  func(tr *traffic, n int, client string) // what is at the other end of the gateway's call
		want string
	}{
		{"a proxy strips all headers", func(tr *traffic, n int, _ string) {
			tr.add(span{service: "bank", kind: "server", id: id(500 + n), trace: id(500 + n), method: "POST", path: "/orders"})
		}, "the ID dies between gateway and bank: bank begins POST /orders under an ID of its own (10 of 10 calls; host, path and time agree)"},
		{"the trace comes through, the ID does not", func(tr *traffic, n int, client string) {
			tr.add(span{service: "bank", kind: "server", id: id(500 + n), trace: id(n), parent: client, method: "POST", path: "/orders"})
		}, "the ID dies between gateway and bank: bank begins POST /orders under an ID of its own, though the trace came through (10 of 10 calls; the trace says so)"},
		{"a client library starts a new trace", func(tr *traffic, n int, _ string) {
			tr.add(span{service: "bank", kind: "server", id: id(500 + n), trace: id(500 + n), parent: "feedfeedfeedfeed", method: "POST", path: "/orders"})
		}, "the ID dies between gateway and bank: bank begins POST /orders under an ID of its own (10 of 10 calls; host, path and time agree)"},
		{"the ID comes under another name", func(tr *traffic, n int, _ string) {
			tr.add(span{service: "bank", kind: "server", id: id(500 + n), trace: id(500 + n), method: "POST", path: "/orders", labels: []record.Label{{Key: "x_request_id", Value: strings.ToUpper(id(n))}}})
		}, "the ID is renamed between gateway and bank: bank begins POST /orders under an ID of its own, and has the one that was sent as x_request_id (10 of 10 calls; the ID stands in its records)"},
		{"only its beginning comes", func(tr *traffic, n int, client string) {
			tr.add(span{service: "bank", kind: "server", id: id(n)[:25], trace: id(n), parent: client, method: "POST", path: "/orders"})
		}, "the ID is cut short between gateway and bank: of " + id(0) + " only " + id(0)[:25] + " came, though the trace came through (10 of 10 calls; the trace says so)"},
		{"its letters are changed", func(tr *traffic, n int, client string) {
			tr.add(span{service: "bank", kind: "server", id: "{" + id(n) + "}", trace: id(n), parent: client, method: "POST", path: "/orders"})
		}, "the ID is written otherwise between gateway and bank: sent as " + id(0) + ", it came as {" + id(0) + "} (10 of 10 calls; the trace says so)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTraffic()
			for n := range 10 {
				client := tr.call(n)
				tr.later(time.Millisecond)
				tt.far(tr, n, client)
				tr.later(5 * time.Second)
			}
			if got := lines(tr.report()); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestAMessageIsRecognisedByWhereItLies(t *testing.T) {
	tr := newTraffic()
	for n := range 3 {
		bank := tr.add(span{service: "bank", kind: "server", id: id(n), trace: id(n), method: "POST", path: "/orders"})
		tr.add(span{service: "bank", kind: "producer", id: id(n), trace: id(n), parent: bank, topic: "orders", partition: 2, offset: int64(n), placed: true})
		tr.later(time.Hour) // and however late
		tr.add(span{service: "game", kind: "consumer", id: id(500 + n), trace: id(500 + n), topic: "orders", partition: 2, offset: int64(n), placed: true})
	}
	want := "the ID dies between bank and game: game begins orders under an ID of its own (3 of 3 messages over orders; the same topic, partition and offset)"
	if got := lines(tr.report()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestABatchConsumerThatTellsNoOffsetsIsNamedWhileItIsTheOnlyOne(t *testing.T) {
	produce := func(tr *traffic, n int) {
		bank := tr.add(span{service: "bank", kind: "server", id: id(n), trace: id(n), method: "POST", path: "/orders"})
		tr.add(span{service: "bank", kind: "producer", id: id(n), trace: id(n), parent: bank, topic: "orders", offset: int64(n), placed: true})
	}
	t.Run("one batch of five messages", func(t *testing.T) {
		tr := newTraffic()
		for n := range 5 {
			produce(tr, n)
		}
		tr.later(time.Second)
		tr.add(span{service: "ledger", kind: "consumer", id: id(900), trace: id(900), topic: "orders"})
		want := "the ID dies between bank and ledger: ledger begins orders under an ID of its own (1 of 1 messages over orders; the only one that reads the topic at that time)\n" +
			"cannot tell what became of the ID that bank sent with orders (4 times): more was sent than ledger received of what fits it"
		if got := lines(tr.report()); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("two services read it", func(t *testing.T) {
		tr := newTraffic()
		produce(tr, 1)
		tr.later(time.Second)
		tr.add(span{service: "ledger", kind: "consumer", id: id(900), trace: id(900), topic: "orders"})
		tr.add(span{service: "audit", kind: "consumer", id: id(901), trace: id(901), topic: "orders"})
		want := "cannot tell what became of the ID that bank sent with orders (once): more than one service has received what fits it: audit, ledger"
		if got := lines(tr.report()); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestItCannotTellWhichOfTwoCallersLostIt(t *testing.T) {
	tr := newTraffic()
	tr.call(1)
	other := tr.add(span{service: "partner", kind: "server", id: id(2), trace: id(2), method: "GET", path: "/"})
	tr.add(span{service: "partner", kind: "client", id: id(2), trace: id(2), parent: other, method: "POST", path: "/orders", host: "bank"})
	tr.add(span{service: "bank", kind: "server", id: id(500), trace: id(500), method: "POST", path: "/orders"})
	tr.add(span{service: "bank", kind: "server", id: id(501), trace: id(501), method: "POST", path: "/orders"})
	want := "cannot tell what became of the ID that gateway sent with POST /orders (once): another service may have sent what bank received\n" +
		"cannot tell what became of the ID that partner sent with POST /orders (once): another service may have sent what bank received"
	if got := lines(tr.report()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Callers from outside begin journeys at the bank, too. They are nobody's fault.
func TestVisitorsFromOutsideAreNotTakenForLostCalls(t *testing.T) {
	tr := newTraffic()
	for n := range 10 {
		client := tr.call(n)
		tr.add(span{service: "bank", kind: "server", id: id(n), trace: id(n), parent: client, method: "POST", path: "/orders"})
		tr.add(span{service: "bank", kind: "server", id: id(500 + n), trace: id(500 + n), method: "POST", path: "/orders"})
	}
	if r := tr.report(); !r.Healthy() {
		t.Errorf("found\n%s", lines(r))
	}
}

// One of two visits that fit may be a visitor from outside.
func TestItCannotTellALostCallFromAVisitor(t *testing.T) {
	tr := newTraffic()
	tr.call(1)
	tr.add(span{service: "bank", kind: "server", id: id(500), trace: id(500), method: "POST", path: "/orders"})
	tr.add(span{service: "bank", kind: "server", id: id(501), trace: id(501), method: "POST", path: "/orders"})
	want := "cannot tell what became of the ID that gateway sent with POST /orders (once): others have come to bank that fit it as well, from outside or from who writes no records"
	if got := lines(tr.report()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestACallWhoseAnswerIsMissingIsADoubtWhereOthersAreHeard(t *testing.T) {
	tr := newTraffic()
	client := tr.call(1)
	tr.add(span{service: "bank", kind: "server", id: id(1), trace: id(1), parent: client, method: "POST", path: "/orders"})
	tr.later(time.Minute)
	tr.call(2)
	want := "cannot tell what became of the ID that gateway sent with POST /orders (once): nothing that was received fits it; its record may be late, or lost"
	if got := lines(tr.report()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Where nobody listened, or who called did not wait, no ID was lost.
func TestACallThatFailedBeforeItsAnswerIsNoDoubt(t *testing.T) {
	tr := newTraffic()
	client := tr.call(1)
	tr.add(span{service: "bank", kind: "server", id: id(1), trace: id(1), parent: client, method: "POST", path: "/orders"})
	tr.later(time.Minute)
	tr.add(span{service: "gateway", kind: "client", id: id(2), trace: id(2), method: "POST", path: "/orders", host: "bank", failed: true})
	if r := tr.report(); !r.Healthy() || r.Unanswered != 1 || r.Arrived != 1 {
		t.Errorf("%+v:\n%s", r, lines(r))
	}
}

func TestOneOfManyIsCounted(t *testing.T) {
	tr := newTraffic()
	for n := range 40 {
		client := tr.call(n)
		if n%4 == 0 {
			tr.add(span{service: "bank", kind: "server", id: id(500 + n), trace: id(500 + n), method: "POST", path: "/orders"})
		} else {
			tr.add(span{service: "bank", kind: "server", id: id(n), trace: id(n), parent: client, method: "POST", path: "/orders"})
		}
		tr.later(10 * time.Second)
	}
	want := "the ID dies between gateway and bank: bank begins POST /orders under an ID of its own (10 of 40 calls; host, path and time agree)"
	if got := lines(tr.report()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWhatWasSentJustNowIsNotJudgedYet(t *testing.T) {
	tr := newTraffic()
	client := tr.call(1)
	tr.add(span{service: "bank", kind: "server", id: id(1), trace: id(1), parent: client, method: "POST", path: "/orders"})
	tr.later(time.Minute)
	tr.call(2)
	spans := Spans(slices.Values(tr.records))
	if r := Propagation(spans, tr.now); !r.Healthy() || r.Sends != 1 {
		t.Errorf("looked at %d:\n%s", r.Sends, lines(r))
	}
	if r := Propagation(spans, tr.now.Add(time.Hour)); r.Healthy() {
		t.Error("an hour later it is well, too")
	}
}
