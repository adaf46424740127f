package hook

import (
	"context"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/waybill-log/waybill/alerts"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// memory is a journal that forgets what has not been flushed when it crashes, but for some of it.
type memory struct {
	mu      sync.Mutex
	kept    map[string][]byte
	put     []op
	latency time.Duration
	away    bool // Kafka is not there
	dead    bool // the process is not
	flushes int
}

type op struct {
	key   string
	value []byte // nil: deleted
}

func newMemory() *memory { return &memory{kept: map[string][]byte{}} }

func (j *memory) Put(key string, value []byte) { j.add(op{key, slices.Clone(value)}) }
func (j *memory) Delete(key string)            { j.add(op{key, nil}) }

func (j *memory) add(o op) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.dead {
		j.put = append(j.put, o)
	}
}

func (j *memory) Flush(ctx context.Context) error {
	j.mu.Lock()
	n := len(j.put)
	j.flushes++
	j.mu.Unlock()
	if j.latency > 0 {
		select {
		case <-time.After(j.latency):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dead || j.away {
		return errors.New("Kafka is away")
	}
	n = min(n, len(j.put))
	for _, o := range j.put[:n] {
		j.apply(o)
	}
	j.put = j.put[n:]
	return nil
}

func (j *memory) apply(o op) {
	if o.value == nil {
		delete(j.kept, o.key)
	} else {
		j.kept[o.key] = o.value
	}
}

// crash gives the journal of the next owner: of what was not flushed, any part may be there.
func (j *memory) crash(random *rand.Rand) *memory {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.dead = true
	for _, o := range j.put {
		if random.IntN(2) == 0 {
			j.apply(o)
		}
	}
	return &memory{kept: j.kept, latency: j.latency}
}

func (j *memory) all() iter.Seq2[string, []byte] {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.All(maps.Clone(j.kept))
}

// fake is a receiver of a test.
type fake struct {
	mu  sync.Mutex
	got []parcel
	// answers says what the nth parcel is answered with; nil: all are taken.
	answers func(ctx context.Context, n int, p *parcel, a *answer)
}

func (f *fake) deliver(ctx context.Context, p *parcel, a *answer) {
	f.mu.Lock()
	f.got = append(f.got, *p)
	n := len(f.got)
	f.mu.Unlock()
	if f.answers != nil {
		f.answers(ctx, n, p, a)
	}
}
func (*fake) where() string { return "a test" }
func (*fake) close()        {}

func (f *fake) ids() (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.got {
		ids = append(ids, f.got[i].Notification.ID)
	}
	return ids
}

// named is a receiver with settings that pass; tests put a fake in its place.
func named(name string) Receiver {
	return Receiver{Name: name, Webhook: &Webhook{HTTP: HTTP{URL: "https://" + name + ".example.com"}}}
}

// unbounded is one whose ceiling is as high as may be.
func unbounded(name string) Receiver {
	r := named(name)
	r.Ceiling = Ceiling{PerMinute: maxPerMinute, Burst: maxPerMinute}
	return r
}

// managerOf owns partition 0, and takes what is in j.
func managerOf(t *testing.T, cfg Config, j *memory, fakes map[string]*fake) *Manager {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range fakes {
		m.receiver(name).kind = f
	}
	if err := m.Take(0, j, j.all()); err != nil {
		t.Fatal(err)
	}
	return m
}

func closeNow(m *Manager) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m.Close(ctx)
}

func note(receiver, id string) alerts.Notification {
	return alerts.Notification{
		ID: id, Receiver: receiver, Group: "g", Status: "firing", Title: "bank stalled", Text: "It stalled.", Severity: "critical",
		Labels: map[string]string{"service": "bank"}, Time: time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC),
		Alerts: []alerts.Alert{{
			Key: id, Rule: "stalled", Status: "firing", Severity: "critical", Title: "bank stalled", CorrelationID: "Order-" + id,
			Labels: map[string]string{"service": "bank"}, StartsAt: time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC), URL: "https://waybill.example.com/" + id,
		}},
	}
}

func notify(t *testing.T, m *Manager, receiver, id string) {
	t.Helper()
	if err := m.Notify(t.Context(), note(receiver, id)); err != nil {
		t.Fatal(err)
	}
}

func refuse(status int) func(context.Context, int, *parcel, *answer) {
	return func(_ context.Context, _ int, _ *parcel, a *answer) { a.judge(status, nil, time.Now()) }
}

func only(t *testing.T, m *Manager, receiver string) Delivery {
	t.Helper()
	h := m.History(receiver)
	if len(h) != 1 {
		t.Fatalf("history of %s has %d deliveries, want 1: %+v", receiver, len(h), h)
	}
	return h[0]
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}
