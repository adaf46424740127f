package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// watcher is a client, and what it should be told.
type watcher struct {
	*Subscription
	wants  func(raw []byte) bool
	seen   map[string]bool
	counts Receipt // as the last receipt had them
	shown  uint64
	begin  position
}

// told checks one event against what has been written.
func (c *watcher) told(t *rapid.T, e Event, topic [][][]byte) {
	at, err := parsePosition(e.Token)
	if err != nil {
		t.Fatalf("token %q: %v", e.Token, err)
	}
	if e.Record != nil {
		id := idOf(t, e.Record)
		if c.seen[id] || !c.wants(e.Record) {
			t.Fatalf("%s is shown again, or should not be", id)
		}
		c.seen[id] = true
		c.shown++
	}
	matched := uint64(0)
	for p, values := range topic {
		for _, raw := range values[c.begin.of(int32(p)):at.of(int32(p))] {
			if c.wants(raw) {
				matched++
			}
		}
	}
	if skipped := matched - c.shown; skipped != c.counts.Skipped && e.Receipt == nil {
		t.Fatalf("%d of %d are shown up to here, and only %d are said to be skipped", c.shown, matched, c.counts.Skipped)
	}
	if r := e.Receipt; r != nil {
		if r.Matched != matched || r.Shown != c.shown || r.Shown+r.Skipped != r.Matched {
			t.Fatalf("%+v, want %d shown of %d", *r, c.shown, matched)
		}
		c.counts = *r
	}
}

// take reads until nothing comes at once.
func (c *watcher) take(t *rapid.T, calls int, topic [][][]byte) {
	ended, cancel := context.WithCancel(t.Context())
	cancel() // so that nothing is waited for
	for range calls {
		c.rest = time.Time{}
		events, err := c.Next(ended)
		if errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			c.told(t, e, topic)
		}
	}
}

// However slow clients are, each knows at any place how many records matched up to there,
// how many of them it was shown and how many not.
func TestShownAndSkippedAreWhatMatched(t *testing.T) {
	skipped := uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		partitions := rapid.IntRange(1, 3).Draw(t, "partitions")
		f := following(unfailing{}, Config{
			QueueRecords: rapid.IntRange(1, 20).Draw(t, "queue"), QueueBytes: rapid.IntRange(1, 20).Draw(t, "KiB") << 10, Bytes: 100_000,
		}, partitions)
		topic := make([][][]byte, partitions)
		requests := []Request{{}, {Filter: filter.Term{Field: "correlation.key", Value: "a"}}, {Hide: func(e store.Entry) bool { return e.Key == "b" }, Holder: "h"}}
		wants := []func([]byte) bool{
			func([]byte) bool { return true },
			func(raw []byte) bool { return bytes.Contains(raw, []byte(`"correlation.key":"a"`)) },
			func(raw []byte) bool { return !bytes.Contains(raw, []byte(`"correlation.key":"b"`)) },
		}
		var clients []*watcher
		defer func() {
			for _, c := range clients {
				c.Close()
			}
		}()
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what == 0 && len(clients) < 6:
				n := rapid.IntRange(0, len(requests)-1).Draw(t, "request")
				s, err := f.Subscribe(requests[n])
				if err != nil {
					t.Fatal(err)
				}
				clients = append(clients, &watcher{Subscription: s, wants: wants[n], seen: map[string]bool{}, begin: f.position()})
			case what < 5:
				p := rapid.IntRange(0, partitions-1).Draw(t, "partition")
				for range rapid.IntRange(1, 12).Draw(t, "messages") {
					raw := written(fmt.Sprintf("n%d", p), len(topic[p]), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "key"))
					f.take(int32(p), message(int32(p), int64(len(topic[p])), raw))
					topic[p] = append(topic[p], raw)
				}
			case what < 9 && len(clients) > 0:
				rapid.SampledFrom(clients).Draw(t, "client").take(t, rapid.IntRange(1, 4).Draw(t, "calls"), topic)
			default:
				for _, c := range clients {
					c.toldAt = time.Time{} // long ago
				}
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		for _, c := range clients {
			c.take(t, 1000, topic)
			if !c.done || c.counts.Shown != c.shown {
				t.Fatalf("the last receipt is %+v, and %d were shown", c.counts, c.shown)
			}
			skipped += c.counts.Skipped
		}
	})
	if skipped == 0 {
		t.Error("nothing was ever skipped")
	}
}

// What was erased after it had matched is counted, and not shown.
func TestWhatIsErasedMeanwhileIsSkipped(t *testing.T) {
	f := following(t, Config{}, 1)
	hidden := ""
	s, err := f.Subscribe(Request{Hide: func(e store.Entry) bool { return e.Key == hidden }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f.take(0, message(0, 0, written("n", 0, "a")))
	f.take(0, message(0, 1, written("n", 1, "b")))
	hidden = "a"
	f.take(0, message(0, 2, written("n", 2, "a")))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	events, err := s.Next(t.Context())
	if err != nil || len(events) != 2 || events[0].Record == nil || events[1].Receipt == nil {
		t.Fatal(events, err)
	}
	if r := *events[1].Receipt; r != (Receipt{Matched: 2, Shown: 1, Skipped: 1}) {
		t.Errorf("%+v", r)
	}
	if _, err := s.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after the last receipt: %v", err)
	}
}

func TestLimitsOnClientsAreSaid(t *testing.T) {
	f := following(t, Config{Clients: 3, Filters: 2}, 1)
	about := func(service string) Request {
		return Request{Filter: filter.Term{Field: "service.name", Value: service}}
	}
	subscribe := func(r Request, want error, says string) *Subscription {
		t.Helper()
		s, err := f.Subscribe(r)
		if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %v, which says %q", err, want, says)
		}
		return s
	}
	first := subscribe(about("bank"), nil, "")
	second := subscribe(about("game"), nil, "")
	subscribe(about("mail"), ErrBusy, "2 different filters")
	third := subscribe(about("bank"), nil, "")
	subscribe(about("bank"), ErrBusy, "3 clients")
	subscribe(Request{Resume: "?"}, ErrToken, "the last event's id")
	subscribe(Request{Filter: filter.Term{Field: "message", Value: "x"}}, filter.ErrInvalid, "message")
	second.Close()
	second.Close() // twice
	fourth := subscribe(about("mail"), nil, "")
	for _, s := range []*Subscription{first, third, fourth} {
		s.Close()
	}
	if groups := *f.groups.Load(); len(groups) > 0 || f.clients != 0 {
		t.Errorf("%d groups of %d clients are left", len(groups), f.clients)
	}
	f.looked = false
	f.why = errors.New("nobody answers")
	subscribe(Request{}, ErrUnavailable, "nobody answers")
	f.looked = true
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	subscribe(Request{}, ErrUnavailable, "ended")
}
