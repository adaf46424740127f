package collector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/instrument/instrumenttest"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// shelf is a store that keeps records and summaries in memory. Gate says of each call
// what becomes of it.
type shelf struct {
	*memory
	gate func(call int) (before, after error)

	mu       sync.Mutex
	calls    int
	kept     map[store.SummaryRef]store.Summary
	revision int64
}

func newShelf() *shelf {
	return &shelf{memory: newMemory(), kept: map[store.SummaryRef]store.Summary{}}
}

func (s *shelf) open() (after error, err error) {
	s.calls++
	if s.gate == nil {
		return nil, nil
	}
	before, after := s.gate(s.calls)
	return after, before
}

func (s *shelf) PutSummaries(_ context.Context, summaries []store.Summary) ([]store.Revision, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	after, err := s.open()
	if err != nil {
		return nil, err
	}
	out := make([]store.Revision, len(summaries))
	for i, one := range summaries {
		if s.kept[one.SummaryRef].Revision == one.Revision {
			s.revision++
			one.Revision = store.Revision{Number: s.revision, Term: 1}
			s.kept[one.SummaryRef], out[i] = one, one.Revision
		}
	}
	return out, after
}

func (s *shelf) LoadSummaries(_ context.Context, refs []store.SummaryRef) (out []store.Summary, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.open(); err != nil {
		return nil, err
	}
	for _, ref := range refs {
		if one, ok := s.kept[ref]; ok {
			out = append(out, one)
		}
	}
	return out, nil
}

func (s *shelf) SummariesOf(_ context.Context, key string, traces []string) (out []store.Summary, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.kept {
		shared := slices.ContainsFunc(one.Traces, func(t string) bool { return slices.Contains(traces, t) })
		if one.Key == key || shared {
			out = append(out, one)
		}
	}
	return out, nil
}

func (s *shelf) PendingSummaries(_ context.Context, partition int32, each func(store.SummaryRef, time.Time) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ref, one := range s.kept {
		if one.Partition == partition && !one.Check.IsZero() && !each(ref, one.Check) {
			break
		}
	}
	return nil
}

func (s *shelf) FindSummaries(context.Context, store.SummaryQuery) ([]store.Summary, store.SummaryCursor, error) {
	panic("nobody searches here")
}

func (s *shelf) Lookup(context.Context, store.Lookup) ([]store.Summary, bool, error) {
	panic("nobody searches here")
}

// verdicts are those of all journeys that are not part of another, by correlation
// ID, with the days of one joined.
func (s *shelf) verdicts(t *testing.T, ev journey.Evidence) map[string]journey.Summary {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	folds := map[store.SummaryID]*journey.Fold{}
	for ref, one := range s.kept {
		f, err := journey.ParseFold(one.State)
		if err != nil {
			t.Fatal(err)
		}
		if one.PartOf != "" {
			continue
		}
		if folds[ref.ID] == nil {
			folds[ref.ID] = &journey.Fold{}
		}
		folds[ref.ID].Join(f)
	}
	out := map[string]journey.Summary{}
	for _, f := range folds {
		sum := f.Summary(ev)
		out[sum.CorrelationID] = sum
	}
	return out
}

// known is evidence that does not change by itself.
type known struct{ asOf atomic.Pointer[time.Time] }

func newKnown(asOf time.Time) *known {
	k := &known{}
	k.asOf.Store(&asOf)
	return k
}

func (k *known) AsOf() (time.Time, error) { return *k.asOf.Load(), nil }
func (k *known) For(asOf time.Time, _ iter.Seq[*record.Record]) journey.Evidence {
	return journey.Evidence{AsOf: asOf}
}

// shop runs journeys of three services with the real instrument package, and
// returns their records by correlation ID. Some fail, some are not picked up.
func shop(t *testing.T, random *rand.Rand, n int) map[string][]record.Record {
	t.Helper()
	rec := instrumenttest.New(t)
	gateway, bank, game := rec.Service("gateway"), rec.Service("bank"), rec.Service("game")
	producer := rec.Producer()
	call := &http.Client{Transport: gateway.Transport(roundTrip(bank.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bank.Logger().InfoContext(r.Context(), "debited", "dollars", 100)
		if strings.HasSuffix(r.URL.Path, "/poor") {
			w.WriteHeader(http.StatusPaymentRequired)
			return
		}
		_, _, _ = bank.Send(r.Context(), producer, &sarama.ProducerMessage{Topic: "points", Value: sarama.StringEncoder("100")})
	}))))}
	front := gateway.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://bank"+r.URL.Path, nil)
		res, err := call.Do(req)
		if err == nil {
			w.WriteHeader(res.StatusCode)
			res.Body.Close()
		}
	}))
	for k := range n {
		path := "/purchases"
		if random.IntN(5) == 0 {
			path += "/poor"
		}
		req := httptest.NewRequest(http.MethodPost, path, nil)
		if k%2 == 0 { // others are minted
			req.Header.Set(instrument.HeaderCorrelationID, fmt.Sprintf("order-%d", k))
		}
		front.ServeHTTP(httptest.NewRecorder(), req)
	}
	for _, m := range rec.Messages("points") {
		if random.IntN(5) == 0 {
			continue
		}
		_ = game.Process(context.Background(), m, "game", func(ctx context.Context) error {
			game.Logger().InfoContext(ctx, "points credited")
			if random.IntN(5) == 0 {
				return fmt.Errorf("no such player")
			}
			instrument.Delivered(ctx)
			return nil
		})
	}
	for _, in := range []*instrument.Instrument{gateway, bank, game} {
		if err := in.Shutdown(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	out := map[string][]record.Record{}
	for _, m := range rec.Messages(record.TopicRecords) {
		r, err := record.Decode(m.Value)
		if err != nil {
			t.Fatal(err)
		}
		if r.CorrelationID != "" {
			out[r.CorrelationID] = append(out[r.CorrelationID], r)
		}
	}
	return out
}

type served struct{ by http.Handler }

func roundTrip(h http.Handler) http.RoundTripper { return served{h} }

func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	out := httptest.NewRecorder()
	in := httptest.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, r.URL.Path, nil)
	in.Header = r.Header.Clone()
	s.by.ServeHTTP(out, in)
	return out.Result(), nil
}

// Records come shuffled, repeated and in several partitions; calls of the store fail
// before and after they have done their work; owners come and go, some without a word.
func TestSummariesSayWhatTheirJourneysSay(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	journeys := shop(t, random, size(300))
	var messages []*sarama.ProducerMessage
	for id, rs := range journeys {
		for _, r := range rs {
			for range 1 + random.IntN(2) {
				m := &sarama.ProducerMessage{Topic: record.TopicRecords, Value: sarama.ByteEncoder(r.Raw), Key: sarama.StringEncoder(record.Key(id))}
				if random.IntN(20) == 0 {
					m.Key = nil // another partition
				}
				messages = append(messages, m)
			}
		}
	}
	random.Shuffle(len(messages), func(i, j int) { messages[i], messages[j] = messages[j], messages[i] })

	addr, st := openBroker(t), newShelf()
	away := fmt.Errorf("%w: connection reset", store.ErrUnavailable)
	st.gate = func(call int) (before, after error) {
		switch call % 7 {
		case 3:
			return away, nil
		case 5:
			return nil, away
		}
		return nil, nil
	}
	asOf := time.Now().Add(time.Hour)
	evidence := newKnown(asOf)
	begin := func(s store.Writer) func() {
		_, stop := startWith(t, collector.Config{Brokers: []string{addr}, Store: s, Evidence: evidence, BatchRecords: 50, JourneyBytes: 100 << 10})
		return stop
	}
	stopFirst := begin(st)
	lost := &severed{shelf: st}
	stopLost := begin(lost)
	client := connect(t, addr)
	p := producer(t, client)
	for n, some := range slices.Collect(slices.Chunk(messages, len(messages)/8+1)) {
		if err := p.SendMessages(some); err != nil {
			t.Fatal(err)
		}
		switch n {
		case 2:
			begin(st)
		case 3:
			grow(t, client, 8)
		case 4:
			lost.cut.Store(true) // its owner can write nothing more, as if it were killed
			stopLost()
		case 6:
			stopFirst()
		}
	}
	ev := journey.Evidence{AsOf: asOf}
	want := map[string]journey.Verdict{}
	for id, rs := range journeys {
		want[id] = journey.Build(rs, ev).Verdict
	}
	got := map[string]journey.Verdict{}
	eventually(t, "all committed", func() bool { return lag(t, client) == 0 })
	for id, s := range st.verdicts(t, ev) {
		got[id] = s.Verdict
	}
	if !maps.Equal(got, want) {
		for id := range want {
			if got[id] != want[id] {
				t.Errorf("%s is %q in its summary, %q as it is", id, got[id], want[id])
			}
		}
		t.Fatalf("%d summaries, want %d", len(got), len(want))
	}
	counts := map[journey.Verdict]int{}
	for _, v := range want {
		counts[v]++
	}
	t.Logf("%d messages of %d journeys: %v", len(messages), len(want), counts)
	if len(counts) < 3 {
		t.Error("the journeys are too much alike to tell anything")
	}
	latest := map[string]journey.Verdict{}
	for _, n := range news(t, client) {
		latest[n.CorrelationID] = n.Verdict
	}
	for id := range want {
		if latest[id] == "" {
			t.Errorf("no verdict of %s was announced", id)
		}
	}
}

func grow(t *testing.T, client sarama.Client, partitions int32) {
	t.Helper()
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.CreatePartitions(record.TopicRecords, partitions, nil, false); err != nil {
		t.Fatal(err)
	}
	if err := client.RefreshMetadata(record.TopicRecords); err != nil {
		t.Fatal(err)
	}
}

// severed is a shelf as it looks to somebody who can do nothing any more.
type severed struct {
	*shelf
	cut atomic.Bool
}

func (s *severed) Put(ctx context.Context, e []store.Entry) (store.Result, error) {
	if s.cut.Load() {
		<-ctx.Done()
		return store.Result{}, ctx.Err()
	}
	return s.shelf.Put(ctx, e)
}

func (s *severed) PutSummaries(ctx context.Context, all []store.Summary) ([]store.Revision, error) {
	if s.cut.Load() {
		return nil, store.ErrUnavailable
	}
	return s.shelf.PutSummaries(ctx, all)
}

// news reads all that was announced until now.
func news(t *testing.T, client sarama.Client) (out []collector.News) {
	t.Helper()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	partitions, err := client.Partitions(record.TopicJourneys)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		end, err := client.GetOffset(record.TopicJourneys, p, sarama.OffsetNewest)
		if err != nil {
			t.Fatal(err)
		}
		if end == 0 {
			continue
		}
		claim, err := consumer.ConsumePartition(record.TopicJourneys, p, sarama.OffsetOldest)
		if err != nil {
			t.Fatal(err)
		}
		for m := range claim.Messages() {
			var n collector.News
			if err := json.Unmarshal(m.Value, &n); err != nil {
				t.Fatal(err)
			}
			if n.Key != string(m.Key) || n.Key != record.Key(n.CorrelationID) {
				t.Errorf("%s is announced under %q", n.CorrelationID, m.Key)
			}
			out = append(out, n)
			if m.Offset+1 >= end {
				break
			}
		}
		claim.Close()
	}
	return out
}

// A deadline passes though nothing is written any more, and the journey is stalled once
// the horizon has passed it, whoever owns the partition by then.
func TestADeadlineIsJudgedByTheHorizon(t *testing.T) {
	began := time.Now().UTC()
	r := record.Record{
		Time: began, Kind: record.KindExpect, Service: "bank", Node: "n1", Sequence: 1, CorrelationID: "order-1", SpanID: "00000000000000b1",
		Expect: record.Expect{Station: "game", Within: time.Minute}, Level: "info", Message: "game is expected",
	}
	addr, st, evidence := openBroker(t), newShelf(), newKnown(began)
	cfg := collector.Config{Brokers: []string{addr}, Store: st, Evidence: evidence}
	_, stop := startWith(t, cfg)
	client := connect(t, addr)
	produce(t, client, record.Append(nil, &r))
	verdict := func() journey.Verdict {
		st.mu.Lock()
		defer st.mu.Unlock()
		for _, s := range st.kept {
			return journey.Verdict(s.Verdict)
		}
		return ""
	}
	eventually(t, "folded", func() bool { return verdict() != "" })
	if v := verdict(); v == journey.Stalled {
		t.Fatal("stalled before its deadline")
	}
	stop()
	startWith(t, cfg)
	later := began.Add(10 * time.Minute)
	evidence.asOf.Store(&later)
	eventually(t, "stalled", func() bool { return verdict() == journey.Stalled })
	eventually(t, "announced", func() bool {
		all := news(t, client)
		last := all[len(all)-1]
		return last.Verdict == journey.Stalled && last.Was != journey.Stalled && last.VerdictHop != ""
	})
}

// What a service ships that only speaks OpenTelemetry is part of the journey its trace
// belongs to, whichever of the two is folded first.
func TestATraceIsPartOfItsJourney(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	at := time.Now().UTC()
	own := record.Record{
		Time: at, Kind: record.KindHopStart, Service: "shop", Node: "n1", Sequence: 1, CorrelationID: "order-1", TraceID: trace,
		SpanID: "00000000000000a1", HopID: "00000000000000a1", HopSequence: 1, SpanName: "GET /", SpanKind: "server", Level: "info", Message: "GET /",
	}
	foreign := record.Record{
		Time: at.Add(time.Millisecond), Kind: record.KindHopStart, Service: "tax", ID: "otlp-1", CorrelationID: trace, TraceID: trace,
		SpanID: "00000000000000f1", ParentID: "00000000000000a1", SpanName: "tax", SpanKind: "server", Level: "info", Message: "tax",
	}
	for name, order := range map[string][]record.Record{"journey first": {own, foreign}, "trace first": {foreign, own}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, st := openBroker(t), newShelf()
			startWith(t, collector.Config{Brokers: []string{addr}, Store: st, Evidence: newKnown(at)})
			client := connect(t, addr)
			for n := range order {
				order[n].CorrelationKey = record.Key(order[n].CorrelationID)
				produce(t, client, record.Append(nil, &order[n]))
				eventually(t, "folded", func() bool {
					st.mu.Lock()
					defer st.mu.Unlock()
					return len(st.kept) > n
				})
			}
			eventually(t, "joined", func() bool {
				all := st.verdicts(t, journey.Evidence{AsOf: at})
				return len(all) == 1 && slices.Equal(all["order-1"].Stations, []string{"shop", "tax"})
			})
		})
	}
}
