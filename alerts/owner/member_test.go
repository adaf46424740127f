package owner

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// TestMain is a member of the group where the environment says so, so that it can be killed.
func TestMain(m *testing.M) {
	if brokers := os.Getenv("WAYBILL_TEST_MEMBER"); brokers != "" {
		beMember(strings.Split(brokers, ","), os.Getenv("WAYBILL_TEST_TOPICS"))
		return
	}
	os.Exit(m.Run())
}

// stage is the topics of one test.
type stage struct{ topics string }

func (s stage) records() string  { return s.topics + ".records" }
func (s stage) journeys() string { return s.topics + ".journeys" }
func (s stage) state() string    { return s.topics + ".alerts" }

const stageRules = `
self: false
rules:
  - {name: stalled, journey: 'verdict == "stalled"'}
  - {name: absent, absence: {after: 'message == "debited"', expect: 'message == "credited"', within: 1s}}
receivers: [{name: ops}]
route: {receiver: ops, group_by: [alert], group_interval: 100ms}
`

// emptyStore has records of one journey at most.
type emptyStore struct {
	store.Store
	entries []store.Entry
}

func (s emptyStore) ByKey(context.Context, string, int) ([]store.Entry, bool, error) {
	return s.entries, false, nil
}
func (emptyStore) Lag() time.Duration          { return 0 }
func (emptyStore) Ready(context.Context) error { return nil }

type upToDate struct{}

func (upToDate) AsOf() (time.Time, error)   { return time.Now().Add(-100 * time.Millisecond), nil }
func (upToDate) Ledgers() []evidence.Ledger { return nil }

// paper is hooks that write down what they are told.
type paper struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *paper) Notify(_ context.Context, n alerts.Notification) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range n.Alerts {
		fmt.Fprintf(p.out, "told %s %s %s\n", n.ID, a.Status, a.Key)
	}
	return nil
}
func (p *paper) Take(partition int32, _ alerts.Journal, _ iter.Seq2[string, []byte]) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "took %d\n", partition)
	return nil
}
func (*paper) Release(context.Context, int32) {}

// newMember is one over the topics of a stage.
func newMember(brokers []string, s stage, hooks Hooks, log *slog.Logger) (m *Member, view *View, closing func(), err error) {
	path, err := os.CreateTemp("", "rules")
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() { _ = os.Remove(path.Name()) }()
	if _, err := path.WriteString(stageRules); err != nil {
		return nil, nil, nil, err
	}
	rules, err := NewWatch(path.Name(), nil, log)
	if err != nil {
		return nil, nil, nil, err
	}
	client, err := collector.Connect(brokers, instrument.Security{})
	if err != nil {
		return nil, nil, nil, err
	}
	view = NewView(client, s.state(), log)
	m, err = New(Config{
		Brokers: brokers, Group: s.topics, Topic: s.state(), Records: s.records(), Journeys: s.journeys(), Rules: rules, Store: emptyStore{}, Evidence: upToDate{}, Hooks: hooks, View: view, Logger: log,
	})
	return m, view, func() { _ = client.Close() }, err
}

// beMember runs until it is killed, and says what it does.
func beMember(brokers []string, topics string) {
	m, view, _, err := newMember(brokers, stage{topics: topics}, &paper{out: os.Stdout}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go view.Follow(context.Background())
	if err := m.Run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func newStage(t *testing.T, client sarama.Client) stage {
	t.Helper()
	s := stage{topics: testservers.Name(t)}
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{s.records(), s.journeys()} {
		if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 4, ReplicationFactor: 1}, false); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// writer writes to a stage.
type writer struct {
	t        *testing.T
	s        stage
	producer sarama.SyncProducer
}

func newWriter(t *testing.T, brokers []string, client sarama.Client, s stage) *writer {
	t.Helper()
	producer, err := sarama.NewSyncProducer(brokers, client.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = producer.Close() })
	return &writer{t, s, producer}
}

func (w *writer) verdict(key string, v journey.Verdict) {
	w.t.Helper()
	now := time.Now().UTC()
	b, err := json.Marshal(collector.News{Key: key, At: now, Summary: journey.Summary{CorrelationID: key, Verdict: v, Since: &now, End: now}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.send(w.s.journeys(), key, b)
}

func (w *writer) record(key, message string) []byte {
	w.t.Helper()
	b := record.Append(nil, &record.Record{Time: time.Now(), Level: "info", Message: message, Service: "bank", Node: "bank-1", Sequence: 1, CorrelationID: key})
	w.send(w.s.records(), key, b)
	return b
}

func (w *writer) send(topic, key string, value []byte) {
	w.t.Helper()
	if _, _, err := w.producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(key), Value: sarama.ByteEncoder(value)}); err != nil {
		w.t.Fatal(err)
	}
}

// child is a member that can be killed.
type child struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	said []string
}

func startChild(t *testing.T, brokers []string, s stage) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0])}
	c.cmd.Env = append(os.Environ(), "WAYBILL_TEST_MEMBER="+strings.Join(brokers, ","), "WAYBILL_TEST_TOPICS="+s.topics)
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.cmd.Stderr = t.Output()
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.mu.Lock()
			c.said = append(c.said, lines.Text())
			c.mu.Unlock()
		}
	}()
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *child) lines(kind string) (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, line := range c.said {
		if rest, ok := strings.CutPrefix(line, kind+" "); ok {
			out = append(out, rest)
		}
	}
	return out
}

func eventually(t *testing.T, within time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %s still not: %s", within, what)
		}
	}
}

// One of two owners is killed. The other one takes its partitions over within ten seconds, with
// what waits in them; what it tells again has the ID it had.
func TestAnotherProcessTakesOver(t *testing.T) {
	kafkas(t, func(t *testing.T, brokers []string) {
		client := connect(t, brokers)
		s := newStage(t, client)
		w := newWriter(t, brokers, client, s)
		first := startChild(t, brokers, s)
		eventually(t, 30*time.Second, "the first has all partitions", func() bool { return len(first.lines("took")) >= 4 })
		second := startChild(t, brokers, s)
		eventually(t, 30*time.Second, "the second has two partitions", func() bool { return len(second.lines("took")) >= 2 })
		pause(t.Context(), time.Second)
		want := map[string]bool{}
		for i := range 40 {
			key := fmt.Sprintf("before-%d", i)
			w.verdict(key, journey.Stalled)
			want["stalled/"+key] = true
		}
		all := func() []string { return slices.Concat(first.lines("told"), second.lines("told")) }
		eventually(t, 20*time.Second, "all are told", func() bool { return len(missing(want, all())) == 0 })
		for i := range 40 { // not told yet, and only in memory or in the journal when the process is killed
			key := fmt.Sprintf("waits-%d", i)
			w.record(key, "debited")
			want["absent/"+key] = true
		}
		pause(t.Context(), 300*time.Millisecond)
		first.kill()
		killed := time.Now()
		for i := range 40 {
			key := fmt.Sprintf("after-%d", i)
			w.verdict(key, journey.Stalled)
			want["stalled/"+key] = true
		}
		eventually(t, 20*time.Second, "the second tells what the first had not", func() bool { return len(missing(want, all())) == 0 })
		took := time.Since(killed)
		t.Logf("taken over and told within %s", took)
		if took > 10*time.Second {
			t.Errorf("take-over took %s, more than 10 s", took)
		}
		ids := map[string]string{}
		for _, line := range all() {
			id, what, _ := strings.Cut(line, " ")
			if was, there := ids[what]; there && was != id {
				t.Errorf("%s is told as %s and as %s", what, was, id)
			}
			ids[what] = id
		}
	})
}

func missing(want map[string]bool, told []string) (out []string) {
	left := maps.Clone(want)
	for _, line := range told {
		delete(left, line[strings.LastIndex(line, " ")+1:])
	}
	return slices.Sorted(maps.Keys(left))
}

// running has a member run until what it returns is called.
func running(t *testing.T, m *Member, view *View) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { view.Follow(ctx) })
	all.Go(func() {
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return func() {
		cancel()
		all.Wait()
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAMemberTellsKeepsAndIsSilenced(t *testing.T) {
	kafkas(t, func(t *testing.T, brokers []string) {
		client := connect(t, brokers)
		s := newStage(t, client)
		w := newWriter(t, brokers, client, s)
		out, in := io.Pipe()
		said := &child{}
		go func() {
			for lines := bufio.NewScanner(out); lines.Scan(); {
				said.mu.Lock()
				said.said = append(said.said, lines.Text())
				said.mu.Unlock()
			}
		}()
		m, view, closing, err := newMember(brokers, s, &paper{out: in}, slog.New(slog.NewTextHandler(t.Output(), nil)))
		if err != nil {
			t.Fatal(err)
		}
		var obeyed sync.Map
		m.cfg.Command = func(_ context.Context, c Command) error { obeyed.Store(c.Do, c); return nil }
		defer closing()
		defer running(t, m, view)()
		eventually(t, 30*time.Second, "all is owned", func() bool { return m.Owned() == 4 })
		desk, err := NewDesk(client, s.state())
		if err != nil {
			t.Fatal(err)
		}
		defer desk.Close()
		silence, err := alerts.NewSilence([]string{"alert = stalled/quiet"}, time.Now(), time.Now().Add(time.Hour), "ada", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := desk.Silence(silence); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "the silence is known", func() bool { return len(view.Silences(time.Now())) == 1 })
		pause(t.Context(), 300*time.Millisecond)
		begun := time.Now()
		w.verdict("quiet", journey.Stalled)
		w.verdict("loud", journey.Stalled)
		told := func(what string) bool {
			return slices.ContainsFunc(said.lines("told"), func(line string) bool { return strings.HasSuffix(line, what) })
		}
		eventually(t, 5*time.Second, "the loud one is told", func() bool { return told("firing stalled/loud") })
		t.Logf("told after %s", time.Since(begun))
		eventually(t, 5*time.Second, "both are in the view", func() bool { return len(view.Alerts()) == 2 })
		if told("quiet") {
			t.Error("who is silenced is told")
		}
		w.verdict("loud", journey.Delivered)
		eventually(t, 5*time.Second, "its end is told", func() bool { return told("resolved stalled/loud") })
		eventually(t, 5*time.Second, "it is history", func() bool { return len(view.Past()) == 1 && len(view.Alerts()) == 1 })
		if err := desk.Unsilence(silence.ID); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "the quiet one is told", func() bool { return told("firing stalled/quiet") })
		if len(view.About().Rules) != 2 || view.About().Receivers[0] != "ops" {
			t.Errorf("the view knows %+v of the rules", view.About())
		}
		if _, err := desk.Ask(Command{Do: Test, Receiver: "ops", Partition: 2, By: "ada"}); err != nil {
			t.Fatal(err)
		}
		eventually(t, 5*time.Second, "the command is obeyed", func() bool { _, ok := obeyed.Load(Test); return ok })
	})
}

// A journey stood still and went on while nobody judged it. Who owns its alerts reads so in its records.
func TestWhatWasOverBeforeItWasKnownIsHistory(t *testing.T) {
	kafkas(t, func(t *testing.T, brokers []string) {
		client := connect(t, brokers)
		s := newStage(t, client)
		w := newWriter(t, brokers, client, s)
		m, view, closing, err := newMember(brokers, s, &paper{out: io.Discard}, slog.New(slog.NewTextHandler(t.Output(), nil)))
		if err != nil {
			t.Fatal(err)
		}
		defer closing()
		began := time.Now().Add(-20 * time.Minute).UTC()
		step := func(n uint64, after time.Duration, service string, change func(*record.Record)) store.Entry {
			r := record.Record{Time: began.Add(after), Level: "info", Message: "step", Service: service, Node: service + "-1", Sequence: n, CorrelationID: "late", Kind: record.KindLog}
			change(&r)
			return store.Entry{Raw: record.Append(nil, &r)}
		}
		m.cfg.Store = emptyStore{entries: []store.Entry{
			step(1, 0, "bank", func(r *record.Record) {
				r.Kind, r.Expect = record.KindExpect, record.Expect{Station: "game", Within: 5 * time.Second}
			}),
			step(1, 10*time.Minute, "game", func(r *record.Record) { r.Kind, r.SpanID, r.HopSequence = record.KindHopStart, "00000000000000a1", 1 }),
			step(2, 10*time.Minute, "game", func(r *record.Record) {
				r.Kind, r.SpanID, r.HopSequence, r.HopRecords = record.KindHopEnd, "00000000000000a1", 2, 2
			}),
			step(2, 10*time.Minute, "bank", func(r *record.Record) { r.Kind, r.Declared = record.KindOutcome, record.Delivered }),
		}}
		defer running(t, m, view)()
		eventually(t, 30*time.Second, "all is owned", func() bool { return m.Owned() == 4 })
		b, err := json.Marshal(collector.News{Key: "late", At: time.Now().UTC(), Summary: journey.Summary{CorrelationID: "late", Verdict: journey.Delivered, End: began.Add(10 * time.Minute)}})
		if err != nil {
			t.Fatal(err)
		}
		w.send(s.journeys(), "late", b)
		eventually(t, 10*time.Second, "it is history", func() bool { return len(view.Past()) == 1 })
		if p := view.Past()[0]; p.Key() != "stalled/late" || !p.EndsAt.Equal(began.Add(10*time.Minute)) {
			t.Errorf("history has %+v", p)
		}
	})
}

func TestWatchKeepsWhatIsRightAndSaysWhatIsWrong(t *testing.T) {
	path := t.TempDir() + "/alerts.yaml"
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := NewWatch(path, nil, nil); err == nil {
		t.Error("no file is a file")
	}
	write("self: false\nrules: [{name: a, journey: errors}]")
	refuse := ""
	w, err := NewWatch(path, func(*alerts.Rules) error {
		if refuse != "" {
			return fmt.Errorf("%s", refuse)
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := func() string {
		var out []string
		for _, r := range w.Rules().Rules {
			out = append(out, r.Name)
		}
		return strings.Join(out, ",")
	}
	now := time.Now()
	for _, c := range []struct{ text, refuse, names, wrong string }{
		{"self: false\nrules: [{name: b, journey: errors}]", "", "b", ""},
		{"self: false\nrules: [{name: b, journey: erors}]", "", "b", "rule b (line 2)"},
		{"self: false\nrules: [{name: c, journey: errors}]", "no such receiver", "b", "no such receiver"},
		{"self: false\nrules: [{name: d, journey: errors}]", "", "d", ""},
	} {
		refuse = c.refuse
		write(c.text)
		w.look(now)
		w.look(now)
		if about := w.about(); names() != c.names || !strings.Contains(about.Wrong, c.wrong) || (c.wrong == "") != (about.Wrong == "") {
			t.Errorf("%q: rules are %s, wrong is %q", c.text, names(), about.Wrong)
		}
	}
}
