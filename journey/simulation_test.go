package journey_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/instrument/instrumenttest"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// size is a number of journeys: ten times as many for make torture.
func size(n int) int {
	if os.Getenv("TORTURE") != "" {
		return 10 * n
	}
	return n
}

// seeded prints its seed, so that what fails can be run again: SEED=… go test.
func seeded(t *testing.T) *rand.Rand {
	seed := rand.Uint64()
	if s := os.Getenv("SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// world is a system of services that run the real instrument package, call each
// other over HTTP and send each other messages. It knows what really happened.
type world struct {
	t        *testing.T
	random   *rand.Rand
	services []*member
	rec      *instrumenttest.Recorder
	clients  map[*member]*http.Client
	clock    *simClock      // nil: the machine's
	handled  map[string]int // messages given to a service, by topic

	mu      sync.Mutex
	steps   map[string]int   // of each log call, by its message, its number
	before  map[int][]int    // what really happened right before a step
	last    map[string]int   // of each hop now running, its last step
	onward  map[string]*plan // what a call or message is to cause, by its ID
	counter int
}

type member struct {
	*instrument.Instrument
	name    string
	handler http.Handler
}

// plan is what a hop does, in order.
type plan struct {
	id    string
	steps []step
	fails bool
}

// step is a log call, an expectation, or a call or message that causes another hop.
type step struct {
	to     *member // nil: a log call
	http   bool
	cause  *plan
	expect string // station that must come within that time
	within time.Duration
}

func newWorld(t *testing.T, random *rand.Rand, clock *simClock, names ...string) *world {
	w := &world{
		t: t, random: random, rec: instrumenttest.New(t), clients: map[*member]*http.Client{}, clock: clock, handled: map[string]int{},
		steps: map[string]int{}, before: map[int][]int{}, last: map[string]int{}, onward: map[string]*plan{},
	}
	for _, name := range names {
		cfg := instrument.Config{Service: name}
		if clock != nil {
			cfg.SpanProcessors = []sdktrace.SpanProcessor{clock}
		}
		m := &member{Instrument: w.rec.Start(cfg), name: name}
		m.handler = m.Handler(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if w.run(r.Context(), m, w.plan(r.Header.Get("x-plan"))) != nil {
				rw.WriteHeader(http.StatusInternalServerError)
			}
		}))
		w.services = append(w.services, m)
	}
	for _, m := range w.services {
		w.clients[m] = &http.Client{Transport: m.Transport(inMemory{w})}
	}
	return w
}

func (w *world) plan(id string) *plan {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.onward[id]
}

// inMemory hands a request to the service that its host names.
type inMemory struct{ *world }

func (w inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	n := slices.IndexFunc(w.services, func(m *member) bool { return m.name == r.URL.Host })
	out := httptest.NewRecorder()
	in := httptest.NewRequestWithContext(context.Background(), r.Method, r.URL.Path, nil)
	in.Header = r.Header.Clone()
	w.services[n].handler.ServeHTTP(out, in)
	return out.Result(), nil
}

// draw plans a hop at random.
func (w *world) draw(depth int) *plan {
	w.counter++
	p := &plan{id: "p" + strconv.Itoa(w.counter), fails: w.random.IntN(20) == 0}
	w.onward[p.id] = p
	for range 1 + w.random.IntN(4) {
		p.steps = append(p.steps, step{})
		if depth > 0 && w.random.IntN(2) == 0 {
			p.steps = append(p.steps, step{to: w.services[w.random.IntN(len(w.services))], http: w.random.IntN(2) == 0, cause: w.draw(depth - 1)})
		}
	}
	p.steps = append(p.steps, step{})
	return p
}

var errPlanned = errors.New("it was to fail")

// run does what is planned, as a service would.
func (w *world) run(ctx context.Context, m *member, p *plan) error {
	for n, s := range p.steps {
		switch {
		case s.expect != "":
			if w.clock != nil {
				w.clock.log("expect " + s.expect + " of " + instrument.CorrelationID(ctx))
			}
			instrument.Expect(ctx, s.expect, s.within)
		case s.to == nil:
			w.log(ctx, m, p, n)
		case s.http:
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.to.name+"/"+s.cause.id, nil)
			if err != nil {
				return err
			}
			req.Header.Set("x-plan", s.cause.id)
			w.follows(s.cause, p)
			res, err := w.clients[m].Do(req)
			if err != nil {
				return err
			}
			res.Body.Close()
			w.follows(p, s.cause)
		default:
			w.follows(s.cause, p)
			_, _, err := m.Send(ctx, w.rec.Producer(), &sarama.ProducerMessage{Topic: s.to.name, Value: sarama.StringEncoder(s.cause.id)})
			if err != nil {
				return err
			}
		}
	}
	if p.fails {
		return errPlanned
	}
	return nil
}

// follows notes that what one hop does next comes after what another has done.
func (w *world) follows(next, done *plan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if step, ok := w.last[done.id]; ok {
		w.before[-w.number(next)] = append(w.before[-w.number(next)], step)
	}
}

func (w *world) number(p *plan) int {
	n, _ := strconv.Atoi(p.id[1:])
	return n
}

// log is one log call, whose message is its name.
func (w *world) log(ctx context.Context, m *member, p *plan, n int) {
	name := fmt.Sprintf("%s step %d", p.id, n)
	w.mu.Lock()
	step := len(w.steps) + 1
	w.steps[name] = step
	if last, ok := w.last[p.id]; ok {
		w.before[step] = append(w.before[step], last)
	}
	w.before[step] = append(w.before[step], w.before[-w.number(p)]...)
	delete(w.before, -w.number(p))
	w.last[p.id] = step
	w.mu.Unlock()
	if w.clock != nil {
		w.clock.log(name)
	}
	m.Logger().InfoContext(ctx, name)
}

// request begins a journey at a service.
func (w *world) request(at *member, id string, p *plan) {
	req := httptest.NewRequest(http.MethodGet, "/"+p.id, nil)
	req.Header.Set(instrument.HeaderCorrelationID, id)
	req.Header.Set("x-plan", p.id)
	at.handler.ServeHTTP(httptest.NewRecorder(), req)
}

// deliver gives every message that has not been handled to its service.
func (w *world) deliver() {
	w.deliverBut(func(*member, string) bool { return false })
}

// deliverBut leaves out messages of some journeys to some services.
func (w *world) deliverBut(held func(to *member, id string) bool) {
	for more := true; more; {
		more = false
		for _, m := range w.services {
			messages := w.rec.Messages(m.name)
			for _, msg := range messages[w.handled[m.name]:] {
				more = true
				w.handled[m.name]++
				if held(m, sentWith(msg)) {
					continue
				}
				_ = m.Process(context.Background(), msg, m.name, func(ctx context.Context) error {
					return w.run(ctx, m, w.plan(string(msg.Value)))
				})
			}
		}
	}
}

// journeys runs n journeys, interleaved, and returns their records by ID.
func (w *world) journeys(n int) map[string][]record.Record {
	for k := range n {
		w.request(w.services[w.random.IntN(len(w.services))], "j-"+strconv.Itoa(k), w.draw(3))
		if w.random.IntN(3) == 0 {
			w.deliver()
		}
	}
	w.deliver()
	return w.records()
}

func (w *world) records() map[string][]record.Record {
	for _, m := range w.services {
		if err := m.Shutdown(context.Background()); err != nil {
			w.t.Fatal(err)
		}
	}
	out := map[string][]record.Record{}
	for _, m := range w.rec.Messages(record.TopicRecords) {
		r, err := record.Decode(m.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		if strings.HasPrefix(r.CorrelationID, "j-") {
			if w.clock != nil {
				if r.Time = w.clock.at(&r); r.Time.IsZero() {
					w.t.Fatalf("nobody knows when this was written: %s", r.Raw)
				}
			}
			out[r.CorrelationID] = append(out[r.CorrelationID], r)
		}
	}
	return out
}

func (w *world) ledgers() (out []record.Ledger) {
	for _, m := range w.rec.Messages(record.TopicInstances) {
		l, err := record.DecodeLedger(m.Value)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

// happenedBefore reports whether a step really came before another.
func (w *world) happenedBefore(a, b int, seen map[int]bool) bool {
	if a >= b || seen[b] { // steps are numbered as they happen
		return false
	}
	seen[b] = true
	for _, before := range w.before[b] {
		if before == a || w.happenedBefore(a, before, seen) {
			return true
		}
	}
	return false
}

func TestOrderFollowsWhatReallyHappened(t *testing.T) {
	random := seeded(t)
	const batch = 200
	pairs, skews, built := 0, 0, 0
	for built < size(1000) {
		w := newWorld(t, random, newSimClock(random), "gateway", "bank", "game", "mail", "audit")
		journeys := w.journeys(batch)
		if len(journeys) != batch {
			t.Fatalf("%d journeys, want %d", len(journeys), batch)
		}
		skew := map[string]time.Duration{}
		for _, m := range w.services {
			skew[m.Node()] = time.Duration(random.Int64N(int64(10*time.Minute))) - 5*time.Minute
		}
		for id, records := range journeys {
			built++
			for i := range records {
				records[i].Time = records[i].Time.Add(skew[records[i].Node])
			}
			j := journey.Build(records, journey.Evidence{})
			again := append(slices.Clone(records), records[:len(records)/2]...)
			random.Shuffle(len(again), func(a, b int) { again[a], again[b] = again[b], again[a] })
			if asJSON(t, journey.Build(again, journey.Evidence{})) != asJSON(t, j) {
				t.Fatalf("%s: shuffled and repeated it is another journey", id)
			}
			if len(j.Warnings) > 0 {
				t.Errorf("%s: %q", id, j.Warnings)
			}
			pairs += w.orderOf(j)
			skews += w.skewsOf(j, skew)
		}
	}
	t.Logf("%d journeys: %d pairs of steps in order, %d intervals of skew", built, pairs, skews)
	if pairs < 10*built || skews < built/2 {
		t.Error("that is too few to tell anything")
	}
}

// orderOf compares each pair of steps in a journey with what really happened.
func (w *world) orderOf(j *journey.Journey) (pairs int) {
	w.t.Helper()
	var order []int
	for _, r := range j.Records {
		if step, ok := w.steps[r.Message]; ok {
			order = append(order, step)
		}
	}
	for i, a := range order {
		for _, b := range order[i+1:] {
			if w.happenedBefore(b, a, map[int]bool{}) {
				w.t.Errorf("%s: step %d stands before %d, which really came first", j.CorrelationID, a, b)
			}
			pairs++
		}
	}
	return pairs
}

func (w *world) skewsOf(j *journey.Journey, skew map[string]time.Duration) int {
	w.t.Helper()
	for _, s := range j.Skews {
		if is := skew[s.To] - skew[s.From]; s.Min != nil && is < *s.Min || s.Max != nil && is > *s.Max {
			w.t.Errorf("%s: the clocks are %v apart, not in [%v, %v]", j.CorrelationID, is, s.Min, s.Max)
		}
	}
	return len(j.Skews)
}

// Records go missing at random; of some the instance says that it dropped them on
// purpose. What is called lost is lost, and what the ledgers cover is called so.
func TestOnlyWhatIsLostIsCalledLost(t *testing.T) {
	random := seeded(t)
	const batch = 200
	lost, dropped, called, built, whole := 0, 0, 0, 0, 0
	for built < size(1000) {
		w := newWorld(t, random, nil, "gateway", "bank", "game", "mail")
		journeys := w.journeys(batch)
		ev := journey.Evidence{AsOf: time.Now().Add(time.Minute), Ledgers: w.ledgers()}
		type hopNumber struct {
			hop    string
			number uint64
		}
		for id, all := range journeys {
			built++
			ledgers := slices.Clone(ev.Ledgers)
			missing, onPurpose := map[hopNumber]bool{}, map[hopNumber]bool{}
			k := random.IntN(4)
			records := slices.DeleteFunc(slices.Clone(all), func(r record.Record) bool {
				if k == 0 || r.HopSequence == 0 || random.IntN(10) > 0 {
					return false
				}
				at := hopNumber{r.Hop(), r.HopSequence}
				if random.IntN(3) > 0 {
					missing[at] = true
					return true
				}
				onPurpose[at] = true
				n := slices.IndexFunc(ledgers, func(l record.Ledger) bool { return l.Node == r.Node })
				ledgers[n].Dropped = append(slices.Clone(ledgers[n].Dropped), record.Dropped{From: r.Sequence, To: r.Sequence, Reason: "it was to be"})
				return true
			})
			lost, dropped = lost+len(missing), dropped+len(onPurpose)
			j := journey.Build(records, journey.Evidence{AsOf: ev.AsOf, Ledgers: ledgers})
			named := map[hopNumber]bool{}
			for _, g := range j.Gaps {
				for _, n := range g.Numbers {
					called++
					named[hopNumber{g.Hop, n}] = true
					if !missing[hopNumber{g.Hop, n}] {
						t.Errorf("%s: number %d of hop %s is called lost; on purpose: %v", id, n, g.Hop, onPurpose[hopNumber{g.Hop, n}])
					}
				}
			}
			for at := range missing {
				if provable(at.hop, at.number, records, ledgers) && !named[at] {
					t.Errorf("%s: number %d of hop %s is lost, and not called so: %s", id, at.number, at.hop, j.CompletenessReason)
				}
			}
			if len(missing)+len(onPurpose) == 0 {
				whole++
				if len(j.Gaps) > 0 || j.Completeness == journey.Lossy {
					t.Errorf("%s: nothing is missing, and %s", id, j.CompletenessReason)
				}
			} else if j.Completeness == journey.Proved {
				t.Errorf("%s: %d records are missing, and it is proved to be whole", id, len(missing)+len(onPurpose))
			}
		}
	}
	t.Logf("%d journeys, %d of them whole; %d records lost, %d dropped on purpose; %d called lost", built, whole, lost, dropped, called)
	if called < lost/4 || whole < built/10 {
		t.Error("that is too few to tell anything")
	}
}

// provable reports whether a missing number of a hop can only be lost: a later
// record of the hop is there, and its instance dropped nothing since the one before.
func provable(hop string, number uint64, records []record.Record, ledgers []record.Ledger) bool {
	var before, after *record.Record
	for i := range records {
		r := &records[i]
		switch {
		case r.Hop() != hop:
		case r.HopSequence < number && (before == nil || r.HopSequence > before.HopSequence):
			before = r
		case r.HopSequence > number && (after == nil || r.HopSequence < after.HopSequence):
			after = r
		}
	}
	if after == nil {
		return false
	}
	first := uint64(0)
	if before != nil {
		first = before.Sequence
	}
	return !slices.ContainsFunc(ledgers, func(l record.Ledger) bool {
		return l.Node == after.Node && slices.ContainsFunc(l.Dropped, func(d record.Dropped) bool { return d.From > first && d.From < after.Sequence })
	})
}

// sentWith is the correlation ID that a message carries.
func sentWith(m *sarama.ConsumerMessage) string {
	for _, h := range m.Headers {
		if string(h.Key) == instrument.HeaderCorrelationID {
			return string(h.Value)
		}
	}
	return ""
}

// A hop that never ran, one that ran and left no records, and one that nobody was
// to run are told apart by what Kafka says of the groups.
func TestMissingHopsAreToldApart(t *testing.T) {
	random := seeded(t)
	n := size(1000)
	w := newWorld(t, random, nil, "bank", "game")
	truth := map[string]string{}
	for k := range n {
		id := "j-" + strconv.Itoa(k)
		p := w.draw(0)
		p.fails = false
		next := w.draw(0)
		next.fails = false
		p.steps = append(p.steps, step{to: w.services[1], cause: next})
		w.request(w.services[0], id, p)
		truth[id] = []string{"never ran", "its records are lost", "nobody was to run it", "ran"}[random.IntN(4)]
	}
	for _, msg := range w.rec.Messages("game") {
		if what := truth[sentWith(msg)]; what == "ran" || what == "its records are lost" {
			_ = w.services[1].Process(context.Background(), msg, "game", func(ctx context.Context) error {
				return w.run(ctx, w.services[1], w.plan(string(msg.Value)))
			})
		}
	}
	decided, wrong := 0, 0
	for id, records := range w.records() {
		what := truth[id]
		if what == "its records are lost" {
			records = slices.DeleteFunc(records, func(r record.Record) bool { return r.Service == "game" })
		}
		ev := journey.Evidence{AsOf: time.Now().Add(time.Hour), Ledgers: w.ledgers()}
		for _, r := range records {
			if m := r.Messaging; m.HasOffset && what != "nobody was to run it" {
				g := journey.Group{Name: "game", Topic: m.Topic, Partition: m.Partition, Committed: m.Offset, Members: true, AsOf: time.Now().Add(2 * time.Minute)}
				g.Ends = []journey.End{{Time: time.Now(), Offset: m.Offset + 1}}
				if what != "never ran" {
					g.Committed++
				}
				ev.Groups = append(ev.Groups, g)
			}
		}
		j := journey.Build(records, ev)
		var says string
		switch onward := j.Legs[len(j.Legs)-1]; {
		case j.Verdict == journey.Stalled && slices.Contains(onward.Waiting, "game"):
			says = "never ran"
		case onward.To == "" && slices.Contains(onward.Passed, "game") && j.Completeness == journey.Unproved:
			says = "its records are lost"
		case onward.To == "" && len(onward.Waiting) == 0 && j.Verdict != journey.Stalled:
			says = "nobody was to run it"
		case onward.To != "" && j.Verdict != journey.Stalled:
			says = "ran"
		}
		if says != "" {
			decided++
			if says != what {
				wrong++
				t.Errorf("%s: %s, and it is said that %s (%s: %s)", id, what, says, j.Verdict, j.Reason)
			}
		}
	}
	t.Logf("%d journeys: %d decided, %d wrong", n, decided, wrong)
	if decided*100 < n*95 {
		t.Errorf("%d of %d are decided", decided, n)
	}
}
