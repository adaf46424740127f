package journeytest

import (
	"net/http"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

// play is a stage with messages that are under way.
type play struct {
	*stage
	waiting []message
	sent    []record.Link // the latest messages, as whoever reads several at once names them
}

// message is under way to one of its readers.
type message struct {
	arrival
	depth int
}

const (
	leastHop   = 2 // records: its start and its end
	leastCall  = 2 + leastHop
	deepest    = 9  // of visits that are drawn at random
	remembered = 40 // messages that one hop may name as its causes

	queued = 40 * time.Millisecond // is about how long a message waits for its reader, seldom much longer
)

// hop plays a visit and what it causes; it returns when it ended, and with which status.
func (p *play) hop(a arrival, depth int) (time.Time, int) {
	v := p.open(a)
	for range p.random.IntN(3) {
		p.say(v, p.log())
	}
	if a.kind == "server" && p.random.IntN(50) == 0 {
		p.say(v, p.broken("the warehouse does not answer"))
		return p.close(v, record.Record{Outcome: record.Failure, Level: "error", Message: a.name, HTTP: record.HTTP{Status: http.StatusInternalServerError},
			Error: record.Error{Type: "*flow.StepError", Message: "the warehouse does not answer"}}), http.StatusInternalServerError
	}
	if depth < deepest {
		p.goOn(v, depth)
	}
	status := 0
	if a.kind == "server" {
		status = http.StatusOK
	}
	return p.close(v, record.Record{HTTP: record.HTTP{Status: status}}), status
}

// say writes a log record where there is room.
func (p *play) say(v *visit, r record.Record) {
	if p.room(1) {
		p.write(v, r)
	}
}

// goOn calls services, some of them at once, and sends messages.
func (p *play) goOn(v *visit, depth int) {
	for range p.random.IntN(3) {
		switch p.random.IntN(3) {
		case 0:
			p.calls(v, depth, 1)
		case 1:
			p.calls(v, depth, 2+p.random.IntN(4))
		default:
			topic := pick(p.stage, topics)
			p.send(v, topic.name, topic.readers, depth)
		}
		p.say(v, p.log())
	}
}

// calls calls so many services at the same time, and waits for all of them.
func (p *play) calls(v *visit, depth, n int) {
	var ends []time.Time
	for range n {
		if !p.room(leastCall) {
			break
		}
		ends = append(ends, p.call(v, arrival{to: pick(p.stage, services).name}, func(a arrival) (time.Time, int) { return p.hop(a, depth+1) }))
	}
	if len(ends) > 0 {
		v.now = slices.MaxFunc(ends, time.Time.Compare)
	}
}

// call writes a client's span, and has within play the visit that it causes; it returns when
// the answer was there. The caller does not wait.
func (p *play) call(v *visit, a arrival, within func(arrival) (time.Time, int)) time.Time {
	now := v.now.Add(p.a(100 * time.Microsecond))
	if a.http = p.request(); a.name == "" {
		a.name = a.http.Method + " " + a.http.Route
	}
	out := record.Record{SpanID: p.span(), ParentID: v.span, SpanKind: "client", SpanName: a.name, HTTP: a.http, Level: "debug", Message: "calling " + a.to}
	p.owner[out.SpanID] = v
	out.Kind = record.KindHopStart
	p.writeAt(v, now, out)
	p.promised++
	v.sends++
	a.at, a.kind, a.parent, a.trace = now.Add(p.a(time.Millisecond)), "server", out.SpanID, v.trace
	end, status := within(a)
	p.promised--
	end = end.Add(p.a(time.Millisecond))
	out.Kind, out.Outcome, out.Duration, out.HTTP.Status = record.KindHopEnd, record.Success, end.Sub(now), status
	if status == 0 || status >= http.StatusBadRequest {
		out.Outcome = record.Failure
	}
	p.writeAt(v, end, out)
	v.now = now
	return end
}

// send writes a producer's span, and leaves the message to those who read the topic.
func (p *play) send(v *visit, topic string, readers []string, depth int) {
	if !p.room(2 + leastHop*len(readers)) {
		return
	}
	at := place{topic, int32(p.random.IntN(partitions))}
	m := record.Messaging{System: "kafka", Operation: "send", Topic: topic}
	out := record.Record{Kind: record.KindHopStart, SpanID: p.span(), ParentID: v.span, SpanKind: "producer", SpanName: "send " + topic, Messaging: m, Level: "debug", Message: "sending to " + topic}
	p.owner[out.SpanID] = v
	p.write(v, out)
	begun := v.now
	p.offsets[at] += 1 + int64(p.random.IntN(3)) // others send there too
	m.Partition, m.Offset, m.HasOffset = at.partition, p.offsets[at], true
	out.Kind, out.Messaging, out.Outcome, out.Duration = record.KindHopEnd, m, record.Success, p.a(time.Millisecond)
	p.writeAt(v, begun.Add(out.Duration), out)
	v.sends++
	p.sent = append(p.sent[max(0, len(p.sent)-remembered+1):], record.Link{TraceID: v.trace, SpanID: out.SpanID, CorrelationID: p.id})
	m.Operation = "process"
	for _, reader := range readers {
		m.Group = reader
		wait := p.a(queued)
		if p.random.IntN(50) == 0 {
			wait *= 200
		}
		p.waiting = append(p.waiting, message{arrival{
			at: v.now.Add(wait), to: reader, name: "process " + topic, kind: "consumer", parent: out.SpanID, trace: v.trace, messaging: m,
		}, depth + 1})
		p.promised += leastHop
	}
}

// deliver plays the visits of all messages under way, none of them before a time.
func (p *play) deliver(notBefore time.Time) {
	for len(p.waiting) > 0 {
		next := p.waiting[0]
		p.waiting = p.waiting[1:]
		if next.at.Before(notBefore) {
			next.at = notBefore.Add(p.a(queued))
		}
		if p.random.IntN(30) == 0 {
			p.fail(&next.arrival, 1+p.random.IntN(2))
		}
		p.promised -= leastHop
		p.hop(next.arrival, next.depth)
	}
}

// fail plays failed attempts at a message, as far as there is room; what is left is the next one.
func (p *play) fail(a *arrival, attempts int) {
	for n := 1; n <= attempts && p.room(leastHop+1); n++ {
		a.messaging.Attempt = n
		v := p.open(*a)
		p.write(v, p.broken("the account is locked"))
		end := p.close(v, record.Record{
			Outcome: record.Failure, Level: "error", Message: a.name, Error: record.Error{Type: "*flow.StepError", Message: "the account is locked"},
		})
		a.at, a.messaging.Attempt = end.Add(p.a(time.Second)), n+1
	}
}

// latest is when the last record so far was written.
func (p *play) latest() (at time.Time) {
	for i := range p.scans {
		if p.scans[i].at.After(at) {
			at = p.scans[i].at
		}
	}
	return at
}
