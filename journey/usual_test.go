package journey_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// course is one way of a purchase: the gateway calls the bank, which sends the game a
// message and the mail service another.
type course struct {
	bankTook  time.Duration // by itself
	inQueue   time.Duration
	noGame    bool
	audited   bool // the bank calls the audit service too
	mails     int
	gameFails bool
}

func (c course) journey() *journey.Journey {
	s := newScript()
	ended := func(r *record.Record, took time.Duration) { r.Duration = took }
	s.begin("gateway-1", "g", "", "server")
	s.call("gateway-1", "g", "gc", func() {
		s.begin("bank-1", "b", "gc", "server")
		s.send("bank-1", "b", "bs", "orders", 7)
		for n := range c.mails {
			s.send("bank-1", "b", fmt.Sprint("bm", n), "mails", int64(n))
		}
		if c.audited {
			s.call("bank-1", "b", "ba", func() {
				s.begin("audit-1", "a", "ba", "server")
				ended(s.end("audit-1", "a", "ba", "server"), time.Millisecond)
			})
		}
		ended(s.end("bank-1", "b", "gc", "server"), c.bankTook)
	})
	s.now = s.now.Add(c.inQueue)
	ended(s.end("gateway-1", "g", "", "server"), c.bankTook+time.Millisecond)
	if !c.noGame {
		s.process("game-1", "p", "bs", "orders", "game", 7)
		if c.gameFails {
			s.records[len(s.records)-1].Outcome = record.Failure
		}
	}
	for n := range c.mails {
		s.process("mail-1", fmt.Sprint("m", n), fmt.Sprint("bm", n), "mails", "mail", int64(n))
	}
	for i := range s.records {
		r := &s.records[i]
		r.ServiceVer = "2.1"
		if r.SpanKind == "server" || r.SpanKind == "consumer" {
			r.SpanName = strings.TrimRight(r.SpanName, "0123456789")
		}
		if r.SpanKind == "consumer" {
			r.CorrelationID = "x"
		}
	}
	return journey.Build(s.records, journey.Evidence{AsOf: caughtUp})
}

func said(d journey.Difference) (out []string) {
	for _, v := range d.Divergences {
		out = append(out, v.What+" "+v.Service)
	}
	return out
}

var plainCourse = course{bankTook: 20 * time.Millisecond, mails: 1}

func TestAJourneyAndAnotherDiffer(t *testing.T) {
	for _, c := range []struct {
		name string
		with func(*course)
		want []string
	}{
		{"in nothing", func(*course) {}, nil},
		{"in a hop that did not come", func(c *course) { c.noGame = true }, []string{"missing game"}},
		{"in a hop that the other has not", func(c *course) { c.audited = true }, []string{"extra audit"}},
		{"in a hop more", func(c *course) { c.mails = 2 }, []string{"extra mail"}},
		{"in one that took its time, and not in who waited for it", func(c *course) { c.bankTook = time.Second }, []string{"slow bank"}},
		{"in time by itself, but not by much", func(c *course) { c.bankTook += 9 * time.Millisecond }, nil},
		{"in a failure", func(c *course) { c.gameFails = true }, []string{"failing game"}},
		{"in several things, in causal order", func(c *course) { c.bankTook, c.noGame, c.mails = time.Second, true, 2 }, []string{"slow bank", "missing game", "extra mail"}},
	} {
		its := plainCourse
		c.with(&its)
		d := journey.Diff(its.journey(), plainCourse.journey())
		if !slices.Equal(said(d), c.want) {
			t.Errorf("%s: %q, want %q", c.name, said(d), c.want)
		}
		if len(c.want) == 0 != (d.First == nil) || d.First != nil && !reflect.DeepEqual(*d.First, d.Divergences[0]) {
			t.Errorf("%s: first is %+v", c.name, d.First)
		}
	}
}

func TestWhatIsUsualIsLearned(t *testing.T) {
	var l journey.Learner
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 100 {
		c := course{bankTook: time.Duration(10+random.IntN(20)) * time.Millisecond, inQueue: time.Duration(random.IntN(50)) * time.Millisecond, mails: n % 3, audited: n%10 == 0}
		l.Add(c.journey().Course())
	}
	u := l.Usual()
	if u.Kind != "server g" || u.Release != "2.1" || u.Journeys != 100 || u.Over {
		t.Errorf("%+v", u)
	}
	var stops []string
	for _, s := range u.Stops {
		stops = append(stops, fmt.Sprintf("%s %d/%d", s.Service, s.Journeys, s.Times))
	}
	if want := []string{"gateway 100/1", "bank 100/1", "audit 10/1", "game 100/1", "mail 66/2"}; !slices.Equal(stops, want) {
		t.Errorf("stops are %q, want %q", stops, want)
	}
	for _, c := range []struct {
		name string
		with func(*course)
		want []string
	}{
		{"the middle of what is usual", func(*course) {}, nil},
		{"what only some do", func(c *course) { c.audited, c.mails = true, 2 }, nil},
		{"what all do is missing", func(c *course) { c.noGame = true }, []string{"missing game"}},
		{"what some do is not missing", func(c *course) { c.mails = 0 }, nil},
		{"more often than any", func(c *course) { c.mails = 3 }, []string{"extra mail"}},
		{"slower than all", func(c *course) { c.bankTook = 200 * time.Millisecond }, []string{"slow bank"}},
		{"not slower than some", func(c *course) { c.bankTook = 29 * time.Millisecond }, nil},
		{"a failure", func(c *course) { c.gameFails = true }, []string{"failing game"}},
	} {
		its := plainCourse
		c.with(&its)
		if d := u.Diff(its.journey()); !slices.Equal(said(d), c.want) || d.Few {
			t.Errorf("%s: %q, want %q", c.name, said(d), c.want)
		}
	}
}

// A message is called late in its queue only if it was whatever the clocks say.
func TestTimeInTheQueueIsUnusualOnlyWhereItIsProved(t *testing.T) {
	var l journey.Learner
	for range 40 {
		l.Add(plainCourse.journey().Course())
	}
	u := l.Usual()
	late := plainCourse
	late.inQueue = time.Minute
	j := late.journey()
	if d := u.Diff(j); len(d.Divergences) != 0 {
		t.Errorf("nothing bounds the two clocks, and %q", said(d))
	}
	least := 55 * time.Second
	for i := range j.Legs {
		if j.Legs[i].Topic == "orders" {
			j.Legs[i].Least = &least
		}
	}
	if d := u.Diff(j); !slices.Equal(said(d), []string{"waited game"}) || *d.First.Took != least {
		t.Errorf("%q", said(d))
	}
}

func TestFewJourneysMakeNothingUsual(t *testing.T) {
	var l journey.Learner
	for range journey.Enough - 1 {
		l.Add(plainCourse.journey().Course())
	}
	its := plainCourse
	its.noGame = true
	few, enough := l.Usual(), journey.Learner{}
	if d := few.Diff(its.journey()); !d.Few || len(d.Divergences) > 0 || d.First != nil {
		t.Errorf("%+v", d)
	}
	for range journey.Enough {
		enough.Add(plainCourse.journey().Course())
	}
	u := enough.Usual()
	if d := u.Diff(its.journey()); d.Few || !slices.Equal(said(d), []string{"missing game"}) {
		t.Errorf("%+v", d)
	}
	if len(few.Stops) != 4 || few.Stops[0].Took.Count != journey.Enough-1 {
		t.Errorf("%+v", few)
	}
}

// Journeys that the real instrument wrote: learned in any order, from records or from
// folds, they make the same usual, and none of them departs from it but in how long it took.
func TestWhatWasLearnedFromIsNotUnusual(t *testing.T) {
	random := seeded(t)
	n := size(100)
	w := newWorld(t, random, nil, "gateway", "bank", "game", "mail")
	first := w.draw(3) // whose hops run alike each time
	for len(w.onward) < 6 || first.fails {
		w.onward = map[string]*plan{}
		first = w.draw(3)
	}
	for k := range n {
		w.request(w.services[0], fmt.Sprint("j-", k), first)
		w.deliver()
	}
	var built, folded []journey.Course
	var journeys []*journey.Journey
	for _, records := range w.records() {
		j := journey.Build(records, journey.Evidence{})
		journeys = append(journeys, j)
		built = append(built, j.Course())
		var f journey.Fold
		for i := range records {
			f.Add(&records[i])
		}
		folded = append(folded, f.Course())
	}
	learn := func(courses []journey.Course) journey.Usual {
		random.Shuffle(len(courses), func(a, b int) { courses[a], courses[b] = courses[b], courses[a] })
		var l journey.Learner
		for _, c := range courses {
			l.Add(c)
		}
		return l.Usual()
	}
	u := learn(built)
	if again := learn(built); !reflect.DeepEqual(again, u) {
		t.Errorf("learned in another order:\n%+v\n%+v", again, u)
	}
	if again := learn(folded); !reflect.DeepEqual(again, u) {
		t.Errorf("learned from folds:\n%+v\n%+v", again, u)
	}
	for _, j := range journeys {
		for _, v := range u.Diff(j).Divergences {
			if v.What != journey.Slow && v.What != journey.Waited {
				t.Errorf("%s: %s", j.CorrelationID, v.Text)
			}
		}
	}
	if len(u.Stops) < 2 || u.Journeys != n {
		t.Errorf("only %d stops of %d journeys", len(u.Stops), u.Journeys)
	}
}

// Whatever the records, comparing ends, and a journey does not differ from itself.
func TestAJourneyDoesNotDifferFromItself(t *testing.T) {
	for _, name := range []string{"purchase", "interleaved", "batch", "replay", "otel", "retried", "failed", "lost", "dropped", "visit"} {
		j := journey.Build(golden(t, name, ""), journey.Evidence{})
		if d := journey.Diff(j, j); len(d.Divergences) > 0 {
			t.Errorf("%s: %q", name, said(d))
		}
	}
}
