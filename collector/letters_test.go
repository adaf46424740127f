package collector_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/waybill-log/waybill/collector"
)

// safeBuffer is a log that can be read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *safeBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(s, nil)) }

// What a store refuses for a reason that is gone is stored by a replay, once.
func TestAReplayStoresWhatWasRefusedOnce(t *testing.T) {
	addr, st := openBroker(t), newMemory()
	client := connect(t, addr)
	if err := collector.EnsureTopics(client, 4); err != nil {
		t.Fatal(err)
	}
	startWith(t, collector.Config{Brokers: []string{addr}, Store: st})
	produce(t, client, []byte("not a record"), line("a", 1))
	letters(t, client, 1)
	all, err := collector.Letters(t.Context(), client, 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	l := all[0]
	if string(l.Value) != "not a record" || l.Topic != "waybill.records" || !strings.Contains(l.Reason, "want '{'") || string(l.Key) != "key0" || len(l.Headers) != 1 {
		t.Errorf("%+v", l)
	}
	same, err := collector.FindLetter(t.Context(), client, l.Partition, l.Offset)
	if err != nil || same.ID() != l.ID() || string(same.Value) != string(l.Value) {
		t.Errorf("%+v, %v", same, err)
	}
	if _, err := collector.FindLetter(t.Context(), client, l.Partition, l.Offset+1); !errors.Is(err, collector.ErrNoLetter) {
		t.Errorf("a letter that is not there: %v", err)
	}
	l.Value = line("a", 2) // as if the collector knew this form now
	for range 2 {
		if err := collector.Replay(producer(t, client), l); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the replay is stored", func() bool { return lag(t, client) == 0 })
	if len(st.held) != 2 || st.held["a-2"] == nil {
		t.Errorf("%d stored", len(st.held))
	}
	for _, id := range []string{"", "1", "1/", "/1", "-1/2", "a/b", "1/2/3"} {
		if _, _, err := collector.ParseLetterID(id); err == nil {
			t.Errorf("%q names a letter", id)
		}
	}
}
