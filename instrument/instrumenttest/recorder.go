package instrumenttest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// patience bounds every wait.
const patience = 5 * time.Second

// TB is what a Recorder needs of a test: *testing.T, *testing.B and testing.TB
// have it.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Failed() bool
	Cleanup(func())
}

// Recorder is the Kafka of one test: it keeps what the test's services write
// and the messages that they send each other. Safe for concurrent use; tests
// with recorders of their own may run in parallel.
type Recorder struct {
	t      TB
	memory *memory
	strays *strays

	mu       sync.Mutex
	services []service
	ends     []func() // run once the services are shut down
	routes   []journey.Route

	drawn atomic.Bool // a failure has shown a journey
}

type service struct {
	*instrument.Instrument
	name string
}

// New returns a recorder whose services are shut down when the test ends.
//
// It makes slog's default logger hand what is logged with a context that came
// through a service (through Echo, Handler or Process) to that service, and all
// else to the default there was. That stays so for the rest of the process.
func New(t TB) *Recorder {
	r := &Recorder{t: t, memory: newMemory(), strays: routeDefault()}
	t.Cleanup(r.close)
	return r
}

// Service starts a service of that name.
func (r *Recorder) Service(name string) *instrument.Instrument {
	r.t.Helper()
	return r.Start(instrument.Config{Service: name})
}

// Start starts a service with settings of its own, such as a level. It is
// always Scoped, and writes to the recorder whatever Brokers and Topic are; a
// nil Console shows nothing.
func (r *Recorder) Start(cfg instrument.Config) *instrument.Instrument {
	r.t.Helper()
	cfg.Scoped, cfg.Topic = true, record.TopicRecords
	cfg.Brokers = []string{instrument.DefaultBroker} // never dialled, and what the environment says is not looked at
	if cfg.Console == nil {
		cfg.Console = slog.DiscardHandler
	}
	cfg.Deliver = func(topic string, key, value []byte) error {
		m := &sarama.ProducerMessage{Topic: topic, Value: sarama.ByteEncoder(value)}
		if len(key) > 0 {
			m.Key = sarama.ByteEncoder(key)
		}
		return r.memory.add(m)
	}
	in, err := instrument.Start(context.Background(), cfg)
	if err != nil {
		r.t.Fatalf("%v", err)
		return nil
	}
	r.mu.Lock()
	r.services = append(r.services, service{in, cfg.Service})
	r.mu.Unlock()
	return in
}

// close shuts the services down, and shows what they wrote where a test has
// failed for reasons of its own.
func (r *Recorder) close() {
	r.t.Helper()
	if r.t.Failed() && !r.drawn.Load() {
		r.flush(time.Now().Add(patience))
		r.t.Logf("%s", r.drawAll())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, s := range r.started() {
		if err := s.Shutdown(ctx); err != nil {
			r.t.Errorf("shut %s down: %v", s.name, err)
		}
	}
	for _, end := range r.ends {
		end()
	}
}

func (r *Recorder) atEnd(end func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, end)
}

func (r *Recorder) started() []service {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.services)
}

// Producer returns a producer for the services' own messages. Partitions are
// chosen by the key's hash, offsets count from 0; closing it does nothing.
func (r *Recorder) Producer() sarama.SyncProducer { return &syncProducer{memory: r.memory} }

// AsyncProducer is Producer without waiting. With successes, they must be read,
// as with sarama's Producer.Return.Successes; errors must be read always.
func (r *Recorder) AsyncProducer(successes bool) sarama.AsyncProducer {
	p := newAsyncProducer(r.memory, successes)
	r.atEnd(func() { _ = p.Close() }) // what could not be sent is the service's to tell
	return p
}

// Messages are the messages of a topic so far, in the order sent, as their
// consumer gets them. Each call returns copies.
func (r *Recorder) Messages(topic string) []*sarama.ConsumerMessage { return r.memory.of(topic) }

// Route says which services pick up the messages of a topic. Without it a
// journey over that topic is delivered only where a service declares so.
func (r *Recorder) Route(topic string, services ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes = append(r.routes, journey.Route{Topic: topic, Stations: services})
}

// Journey returns the journey of a correlation ID, in any spelling, once its
// hops have ended. A journey of which nothing was written ends the test.
func (r *Recorder) Journey(id string) *Journey {
	r.t.Helper()
	return r.one(func(js []*journey.Journey) *journey.Journey { return named(js, id) }, true, "want journey "+id)
}

// Underway is Journey now: hops that have not ended are not waited for.
func (r *Recorder) Underway(id string) *Journey {
	r.t.Helper()
	return r.one(func(js []*journey.Journey) *journey.Journey { return named(js, id) }, false, "want journey "+id)
}

// Only returns the one journey that was written, once its hops have ended. None,
// or several, end the test: where one request made two journeys, a call or a
// message has lost its context.
func (r *Recorder) Only() *Journey {
	r.t.Helper()
	return r.one(func(js []*journey.Journey) *journey.Journey {
		if len(js) == 1 {
			return js[0]
		}
		return nil
	}, true, "want one journey")
}

func named(js []*journey.Journey, id string) *journey.Journey {
	of := func(same func(a, b string) bool) (found []*journey.Journey) {
		for _, j := range js {
			if same(j.CorrelationID, id) {
				found = append(found, j)
			}
		}
		return found
	}
	if exact := of(record.SameID); len(exact) == 1 {
		return exact[0]
	}
	if folded := of(func(a, b string) bool { return record.Key(a) == record.Key(b) }); len(folded) == 1 {
		return folded[0]
	}
	return nil
}

// one picks a journey, and waits until its hops have ended: a server answers its
// caller before its own hop ends.
func (r *Recorder) one(pick func([]*journey.Journey) *journey.Journey, ended bool, want string) *Journey {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		more := r.memory.next()
		r.flush(deadline)
		js, err := r.journeys()
		if err != nil {
			r.t.Fatalf("%v", err)
			return nil
		}
		j := pick(js)
		left := time.Until(deadline)
		switch {
		case j == nil:
			r.drawn.Store(true)
			r.t.Fatalf("%s, and %d were written\n\n%s", want, len(js), r.drawAll())
			return nil
		case !ended, left <= 0, !slices.ContainsFunc(j.Hops, func(h journey.Hop) bool { return h.Outcome == journey.Open }):
			return &Journey{Journey: j, rec: r}
		}
		select {
		case <-more:
		case <-time.After(left):
		}
	}
}

// flush waits until memory holds what the services have written.
func (r *Recorder) flush(deadline time.Time) {
	for _, s := range r.started() {
		for h := s.Health(); h.Unsettled != h.Last+1 && time.Now().Before(deadline); h = s.Health() {
			time.Sleep(100 * time.Microsecond)
		}
	}
}

// journeys are those written so far, by their first record.
func (r *Recorder) journeys() ([]*journey.Journey, error) {
	ev, err := r.evidence()
	if err != nil {
		return nil, err
	}
	records, err := r.records()
	if err != nil {
		return nil, err
	}
	var byID [][]record.Record
	for _, one := range records {
		if one.CorrelationID == "" {
			continue
		}
		n := slices.IndexFunc(byID, func(rs []record.Record) bool { return record.SameID(rs[0].CorrelationID, one.CorrelationID) })
		if n < 0 {
			n, byID = len(byID), append(byID, nil)
		}
		byID[n] = append(byID[n], one)
	}
	out := make([]*journey.Journey, len(byID))
	for n, rs := range byID {
		out[n] = journey.Build(rs, ev)
	}
	return out, nil
}

func (r *Recorder) records() (out []record.Record, err error) {
	for _, m := range r.memory.of(record.TopicRecords) {
		one, err := record.Decode(m.Value)
		if err != nil {
			return nil, fmt.Errorf("a service wrote %w: %.500s", err, m.Value)
		}
		out = append(out, one)
	}
	return out, nil
}

// evidence is the routes and the ledgers: those written, and what those of the
// services would say now. The horizon is now, since memory holds everything.
func (r *Recorder) evidence() (journey.Evidence, error) {
	r.mu.Lock()
	ev := journey.Evidence{Routes: slices.Clone(r.routes)}
	r.mu.Unlock()
	for _, m := range r.memory.of(record.TopicInstances) {
		l, err := record.DecodeLedger(m.Value)
		if err != nil {
			return ev, err
		}
		ev.Ledgers = append(ev.Ledgers, l)
	}
	for _, s := range r.started() {
		if h := s.Health(); h.Dropped == 0 { // which ones were dropped only the ledger says
			ev.Ledgers = append(ev.Ledgers, record.Ledger{Time: time.Now(), Service: s.name, Node: s.Node(), Last: h.Last, Unsettled: h.Unsettled})
		}
	}
	ev.AsOf = time.Now()
	return ev, nil
}

// drawAll shows everything there is.
func (r *Recorder) drawAll() string {
	js, err := r.journeys()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for n, j := range js {
		if n == 8 {
			fmt.Fprintf(&b, "and %d more journeys\n", len(js)-n)
			break
		}
		b.WriteString(draw(j))
		b.WriteByte('\n')
	}
	b.WriteString(r.drawOutside())
	return b.String()
}
