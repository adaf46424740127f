package screen

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/query/live"
)

func TestMemoryKeepsTheLatestWithinItsBounds(t *testing.T) {
	var m memory
	for n := range maxRecords + 500 {
		m.add(fmt.Appendf(nil, "%d", n))
	}
	if len(m.records) != maxRecords || string(m.at(m.first)) != "500" || len(m.shown) != maxRecords || m.shown[0] != m.first {
		t.Errorf("%d records from %s, %d shown from %d", len(m.records), m.at(m.first), len(m.shown), m.shown[0])
	}
	big := bytes.Repeat([]byte("a"), maxBytes/4+1)
	for range 10 {
		m.add(big)
	}
	if m.bytes > maxBytes || len(m.records) != 3 || len(m.shown) != 3 {
		t.Errorf("%d bytes in %d records, %d shown", m.bytes, len(m.records), len(m.shown))
	}
	m.add(bytes.Repeat(big, 8))
	if len(m.records) != 1 || len(m.shown) != 1 || m.shown[0] != m.first {
		t.Errorf("one that is larger than all: %d records, %v shown", len(m.records), m.shown)
	}
}

func TestMemoryShowsWhatTheFilterWants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m memory
		var all []int
		digit := byte('0')
		wanted := func(raw []byte) bool { return raw[len(raw)-1] == digit }
		filtered := false
		t.Repeat(map[string]func(*rapid.T){
			"add": func(*rapid.T) {
				all = append(all, len(all))
				m.add(fmt.Appendf(nil, "%d", len(all)-1))
			},
			"filter": func(t *rapid.T) {
				if filtered = rapid.Bool().Draw(t, "filtered"); filtered {
					digit = byte('0' + rapid.IntRange(0, 9).Draw(t, "digit"))
					m.filter(wanted)
				} else {
					m.filter(nil)
				}
			},
			"": func(t *rapid.T) {
				var want []int
				for _, n := range all {
					if !filtered || wanted(fmt.Appendf(nil, "%d", n)) {
						want = append(want, n)
					}
				}
				if fmt.Sprint(m.shown) != fmt.Sprint(want) {
					t.Fatalf("shown %v, want %v", m.shown, want)
				}
				for _, n := range m.shown {
					if at := m.place(n); m.shown[at] != n || string(m.at(n)) != fmt.Sprint(n) {
						t.Fatalf("number %d is at %d and is %s", n, at, m.at(n))
					}
				}
			},
		})
	})
}

func TestAFeedThatNobodyTakesIsBounded(t *testing.T) {
	var f feed
	w := f.watcher()
	const came = 5*maxRecords + 3
	for n := range came {
		if err := w.Event(&live.Event{Record: fmt.Appendf(nil, "%d", n)}); err != nil {
			t.Fatal(err)
		}
	}
	b, ok := f.take()
	if !ok || len(b.records) > 2*maxRecords || len(b.records)+b.over != came || string(b.records[len(b.records)-1]) != fmt.Sprint(came-1) {
		t.Errorf("%d records, %d over", len(b.records), b.over)
	}
	if _, ok := f.take(); ok {
		t.Error("it is taken twice")
	}
	big := bytes.Repeat([]byte("a"), maxBytes/4)
	for range 100 {
		if err := w.Event(&live.Event{Record: big}); err != nil {
			t.Fatal(err)
		}
	}
	if b, _ := f.take(); len(b.records) >= 8 || len(b.records)+b.over != 100 {
		t.Errorf("%d large records, %d over", len(b.records), b.over)
	}
}
