package journey_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// called is a client's span of the parent from at to until, and a server's, of an
// instance, from begin to end, all in ms.
func called(child string, at, until, begin, end int) *script {
	s := newScript()
	ms := func(n int) time.Time { return caughtUp.Add(time.Duration(n) * time.Millisecond) }
	s.begin("front-1", "f1", "", "server")
	s.records[0].Time = ms(at)
	s.call("front-1", "f1", "c1", func() {
		s.records[1].Time = ms(at)
		s.begin(child, "b1", "c1", "server")
		s.records[2].Time = ms(begin)
		s.end(child, "b1", "c1", "server").Time = ms(end)
	})
	s.records[4].Time = ms(until)
	s.end("front-1", "f1", "", "server").Time = ms(until)
	return s
}

// Jaeger moves a child that does not lie within its parent: to the middle, or to
// the parent's start where it is longer, unless both are of one host, or one has
// none. Here only what contradicts a cause moves, as little as need be.
func TestJaegersCasesOfClockSkew(t *testing.T) {
	for _, c := range []struct {
		name string
		s    *script
		by   time.Duration // of the child's clock, in ms
	}{
		{"the child lies within its parent: Jaeger leaves it, so do we", called("back-1", 0, 50, 10, 40), 0},
		{"it starts before its parent: Jaeger centres it at 10, we move it to the parent's start", called("back-1", 0, 50, -30, 0), 30},
		{"it starts after its parent's end: Jaeger centres it, we move it to where the answer still can have been begun", called("back-1", 0, 50, 80, 110), -30},
		{"it ends after its parent, and starts within: Jaeger centres it, we leave it, since a server may go on after it has answered", called("back-1", 0, 50, 40, 70), 0},
		{"it is longer than its parent, and starts before: Jaeger aligns the starts, so do we", called("back-1", 0, 50, -10, 90), 10},
		{"it is longer than its parent, and starts within: Jaeger aligns the starts, we leave it", called("back-1", 0, 50, 10, 110), 0},
		{"both are of one instance: Jaeger leaves it, so do we", called("front-1", 0, 50, -30, 0), 0},
		{"nobody knows the child's instance: Jaeger leaves it, so do we", unnamed(called("back-1", 0, 50, -30, 0)), 0},
	} {
		j := c.s.build(journey.Evidence{})
		var by time.Duration
		for _, shift := range j.Shifts {
			if shift.Service != "back" {
				t.Errorf("%s: %+v", c.name, shift)
			}
			by = shift.By
		}
		if by != c.by*time.Millisecond {
			t.Errorf("%s: moved by %v, want %v", c.name, by, c.by*time.Millisecond)
		}
	}
	t.Run("asynchronous", func(t *testing.T) {
		s := ordered()
		s.now = s.now.Add(time.Hour)
		s.process("game-1", "g1", "p1", "orders", "game", 17)
		if j := s.build(journey.Evidence{}); len(j.Shifts) != 0 || len(j.Skews) != 1 || j.Skews[0].Min != nil {
			t.Errorf("a message that waits an hour bounds the clocks from one side only, and nothing moves: %+v, %+v", j.Skews, j.Shifts)
		}
	})
}

func unnamed(s *script) *script {
	for i := range s.records {
		if r := &s.records[i]; r.Service == "back" {
			r.Node, r.Sequence, r.ID = "", 0, fmt.Sprint("otlp-", i)
		}
	}
	return s
}

// However wrong the clocks are, what they are wrong by lies inside every interval,
// and the shifted times put no effect before its cause.
func TestSkewLiesInsideItsInterval(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := newScript()
		nodes := []string{"gateway-1", "bank-1", "bank-2", "game-1", "mail-1"}
		for _, node := range nodes {
			s.skew[node] = time.Duration(rapid.Int64Range(int64(-5*time.Minute), int64(5*time.Minute)).Draw(rt, node))
		}
		s.begin("gateway-1", "h0", "", "server")
		nest(rt, s, nodes, "gateway-1", "h0", 3, new(int))
		s.end("gateway-1", "h0", "", "server")
		j := s.build(journey.Evidence{})
		for _, skew := range j.Skews {
			is := s.skew[skew.To] - s.skew[skew.From]
			if skew.Min != nil && is < *skew.Min || skew.Max != nil && is > *skew.Max {
				rt.Fatalf("%s to %s is %v, not in [%v, %v]", skew.From, skew.To, is, skew.Min, skew.Max)
			}
		}
		shift := map[string]time.Duration{}
		for _, sh := range j.Shifts {
			shift[sh.Node] = sh.By
		}
		node := map[string]string{}
		for _, h := range j.Hops {
			node[h.ID] = h.Node
		}
		for _, l := range j.Legs {
			if l.Duration == nil {
				continue
			}
			if took := *l.Duration + shift[node[l.To]] - shift[node[l.From]]; took < 0 {
				rt.Fatalf("%s to %s takes %v when shifted", l.From, l.To, took)
			}
			if took := *l.Duration - (s.skew[node[l.To]] - s.skew[node[l.From]]); l.Least != nil && took < *l.Least || l.Most != nil && took > *l.Most {
				rt.Fatalf("%s to %s took %v, not in [%v, %v]", l.From, l.To, took, l.Least, l.Most)
			}
		}
		if len(j.Warnings) > 0 {
			rt.Fatalf("warnings: %v", j.Warnings)
		}
	})
}

// nest lets a hop call and send, and those it reaches do too.
func nest(rt *rapid.T, s *script, nodes []string, node, hop string, depth int, n *int) {
	if depth == 0 {
		return
	}
	for range rapid.IntRange(0, 3).Draw(rt, "children of "+hop) {
		*n++
		child, span := fmt.Sprint("h", *n), fmt.Sprint("s", *n)
		to := rapid.SampledFrom(nodes).Draw(rt, "to")
		if rapid.Bool().Draw(rt, "http") {
			s.call(node, hop, span, func() {
				s.begin(to, child, span, "server")
				nest(rt, s, nodes, to, child, depth-1, n)
				s.end(to, child, span, "server")
			})
			continue
		}
		offset := int64(*n)
		s.send(node, hop, span, "t", offset)
		s.process(to, child, span, "t", "g", offset)
	}
}

// A client may try again within one span: then its answer bounds nothing.
func TestACallThatReachedTwoServers(t *testing.T) {
	s := called("back-1", 0, 50, 10, 40)
	s.now = s.now.Add(time.Second) // in the network until then
	s.begin("back-2", "b2", "c1", "server")
	s.end("back-2", "b2", "c1", "server")
	if j := s.build(journey.Evidence{}); len(j.Shifts) != 0 {
		t.Errorf("%+v", j.Shifts)
	}
}

func TestAClockThatIsSetOnTheWay(t *testing.T) {
	s := newScript()
	s.begin("front-1", "f1", "", "server")
	for n, skew := range []time.Duration{-time.Hour, time.Hour} {
		span := fmt.Sprint("c", n)
		s.call("front-1", "f1", span, func() {
			s.skew["back-1"] = skew
			hop := fmt.Sprint("b", n)
			s.begin("back-1", hop, span, "server")
			s.end("back-1", hop, span, "server")
		})
	}
	s.end("front-1", "f1", "", "server")
	j := s.build(journey.Evidence{})
	if len(j.Warnings) != 1 || len(j.Shifts) != 0 || len(j.Skews) != 0 {
		t.Errorf("%v, %v, %v", j.Warnings, j.Shifts, j.Skews)
	}
	if j.Verdict != journey.Delivered {
		t.Errorf("%s: %s", j.Verdict, j.Reason)
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	f := func(name string, want string, change func(s *script)) {
		t.Helper()
		s := called("back-1", 0, 50, 10, 40)
		change(s)
		j := s.build(journey.Evidence{})
		for _, w := range j.Warnings {
			if w == want {
				return
			}
		}
		t.Errorf("%s: %q, want %q", name, j.Warnings, want)
	}
	f("its own parent", "server b1 of back names itself as its cause", func(s *script) { s.records[2].ParentID, s.records[3].ParentID = "b1", "b1" })
	f("a circle", "causes go in a circle at front's record of 15:00:00.000 UTC", func(s *script) { s.records[0].ParentID, s.records[5].ParentID = "b1", "b1" })
	f("two roots", "server x1 of back began without a cause, and so did server f1 of front", func(s *script) { s.begin("back-1", "x1", "", "server") })
	f("an end alone", "server b1 of back has an end and no start", func(s *script) { s.records = append(s.records[:2], s.records[3:]...) })
	f("a negative duration", "server f1 of front took -1s", func(s *script) { s.records[5].Duration = -time.Second })
	f("contradictory declarations", "back declared failed after it had been declared delivered", func(s *script) {
		s.declare("back-1", "b1", record.Delivered, "")
		s.declare("back-1", "b1", record.Failed, "")
	})
	f("a later contract", "back writes version 9 of the record, this is version 1", func(s *script) { s.records[3].Version = 9 })
	f("logs alone", "the start and the end of a hop of mail are missing", func(s *script) { s.write("mail-1", "m1", record.Record{Message: "hello"}) })
}
