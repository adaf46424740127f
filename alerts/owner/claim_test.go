package owner

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/journey"
)

// inMemory is a state and hooks of a claim without Kafka. What is told has the time at which it was.
type inMemory struct {
	began time.Time
	mu    sync.Mutex
	told  []string
}

func (*inMemory) Put(string, []byte)                                          {}
func (*inMemory) Delete(string)                                               {}
func (*inMemory) Flush(context.Context) error                                 { return nil }
func (*inMemory) Broken() error                                               { return nil }
func (*inMemory) Take(int32, alerts.Journal, iter.Seq2[string, []byte]) error { return nil }
func (*inMemory) Release(context.Context, int32)                              {}
func (m *inMemory) Notify(_ context.Context, n alerts.Notification) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range n.Alerts {
		m.told = append(m.told, fmt.Sprintf("%s %s %s", time.Since(m.began).Round(time.Second), a.Status, a.Key))
	}
	return nil
}

// timed is a claim at work in a bubble.
type timed struct {
	*inMemory
	c      *claim
	from   source
	offset int64
}

func startTimed(t *testing.T, rules string) *timed {
	t.Helper()
	path := t.TempDir() + "/alerts.yaml"
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	watch, err := NewWatch(path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := &inMemory{began: time.Now()}
	m := &Member{cfg: Config{Journeys: "journeys", Rules: watch, Store: emptyStore{}, Evidence: upToDate{}, Hooks: in, View: NewView(nil, "", nil)}, log: watch.log, meters: newMeters()}
	s := &timed{inMemory: in, from: source{topic: "journeys"}, c: &claim{
		m: m, partitions: 1, journal: in, rules: watch.Rules(), read: make(chan got), version: -1, commands: map[string]bool{},
		part: alerts.NewPart(alerts.PartConfig{Rules: watch.Rules()}, maps.All(map[string][]byte{})),
	}}
	ctx, cancel := context.WithCancel(t.Context())
	s.c.asks = newAsks(ctx, m, 0, 1)
	ended := make(chan error)
	go func() { ended <- s.c.run(ctx, nil) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *timed) verdict(t *testing.T, key string, v journey.Verdict) {
	t.Helper()
	now := time.Now().UTC()
	b, err := json.Marshal(collector.News{Key: key, At: now, Summary: journey.Summary{CorrelationID: key, Verdict: v, Since: &now, End: now}})
	if err != nil {
		t.Fatal(err)
	}
	s.c.read <- got{&s.from, &sarama.ConsumerMessage{Offset: s.offset, Timestamp: now, Value: b}}
	s.offset++
}

// until sleeps until so much has passed since it began, and says what was told.
func (s *timed) until(t *testing.T, passed time.Duration, want ...string) {
	t.Helper()
	time.Sleep(time.Until(s.began.Add(passed)))
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.told)
	if !slices.Equal(s.told, want) {
		t.Errorf("after %s\n\t%s\nis told, want\n\t%s", passed, strings.Join(s.told, "\n\t"), strings.Join(want, "\n\t"))
	}
	s.told = nil
}

func TestAConditionHasToHoldForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTimed(t, `
self: false
rules: [{name: stalled, journey: 'verdict == "stalled"', for: 1m}]
receivers: [{name: ops}]
route: {receiver: ops, group_by: [alert], group_interval: 100ms}
`)
		s.verdict(t, "a", journey.Stalled)
		s.verdict(t, "b", journey.Stalled)
		s.until(t, 59*time.Second)
		s.verdict(t, "b", journey.Delivered)
		s.until(t, 61*time.Second, "1m0s firing stalled/a")
		s.until(t, 5*time.Minute)
	})
}

func TestGroupsWaitAndAreToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTimed(t, `
self: false
rules: [{name: stalled, journey: 'verdict == "stalled"'}]
receivers: [{name: ops}]
route: {receiver: ops, group_by: [rule], group_wait: 10s, group_interval: 1m, repeat_interval: 5m}
`)
		s.verdict(t, "a", journey.Stalled)
		s.until(t, 9*time.Second)
		s.verdict(t, "b", journey.Stalled)
		s.until(t, 11*time.Second, "10s firing stalled/a", "10s firing stalled/b")
		s.verdict(t, "a", journey.Delivered)
		s.until(t, 69*time.Second)
		s.until(t, 71*time.Second, "1m10s firing stalled/b", "1m10s resolved stalled/a")
		s.until(t, 6*time.Minute+9*time.Second)
		time.Sleep(12 * time.Second) // it is looked for every ten
		synctest.Wait()
		if len(s.told) != 1 || !strings.HasSuffix(s.told[0], " firing stalled/b") {
			t.Errorf("after its repeat interval %v is told", s.told)
		}
	})
}

func TestASilenceEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startTimed(t, `
self: false
rules: [{name: stalled, journey: 'verdict == "stalled"'}]
receivers: [{name: ops}]
route: {receiver: ops, group_by: [alert], group_interval: 100ms}
`)
		silence, err := alerts.NewSilence([]string{"rule = stalled"}, time.Now(), time.Now().Add(5*time.Minute), "ada", "")
		if err != nil {
			t.Fatal(err)
		}
		s.c.m.cfg.View.take(&sarama.ConsumerMessage{Key: []byte(silence.Key()), Value: silence.Encode()})
		time.Sleep(idleEvery)
		s.verdict(t, "a", journey.Stalled)
		s.verdict(t, "b", journey.Stalled)
		s.until(t, 4*time.Minute)
		s.verdict(t, "b", journey.Delivered)
		s.until(t, 5*time.Minute-time.Second)
		s.until(t, 5*time.Minute+2*time.Second, "5m0s firing stalled/a")
	})
}
