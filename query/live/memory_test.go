package live

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/store"
)

// Memory against a list: what is in it is what came last, once, and is found by key and trace.
func TestMemoryIsTheLastOfWhatCame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMemory()
		var want []store.Entry
		find := func(is func(store.Entry) bool) []string {
			return ids(slices.DeleteFunc(slices.Clone(want), func(e store.Entry) bool { return !is(e) }))
		}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0, 1, 2:
				if len(want) > 0 {
					if i := m.drop(); i.entry.ID != want[0].ID || i.nextOfKey != nil || i.nextOfTrace != nil {
						t.Fatalf("dropped %v, want %s", i, want[0].ID)
					}
					want = want[1:]
				}
			case 3:
				if rapid.IntRange(0, 9).Draw(t, "all") == 0 {
					m.forget()
					want = nil
				}
			default:
				n := rapid.IntRange(0, 30).Draw(t, "n")
				e := store.Entry{ID: fmt.Sprint(n), Key: []string{"", "a", "b"}[n%3], Trace: []string{"", "x", "y", "z"}[n%4], Raw: make([]byte, n)}
				isNew := !slices.ContainsFunc(want, func(w store.Entry) bool { return w.ID == e.ID })
				if m.add(&item{entry: e}) != isNew {
					t.Fatalf("%s: new is %v", e.ID, isNew)
				}
				if isNew {
					want = append(want, e)
				}
			}
			bytes := 0
			for i, e := range want {
				bytes += len(e.Raw) + itemOverhead
				if got := m.log.at(m.log.first + uint64(i)); got.entry.ID != e.ID || got.number != m.log.first+uint64(i) {
					t.Fatalf("%d. in the log is %s, want %s", i, got.entry.ID, e.ID)
				}
			}
			if m.log.len() != len(want) || m.bytes != bytes || len(m.byID) != len(want) {
				t.Fatalf("%d items of %d bytes, want %d of %d", m.log.len(), m.bytes, len(want), bytes)
			}
			for _, key := range []string{"", "a", "b"} {
				if got, want := ids(m.ofKey(key)), find(func(e store.Entry) bool { return key != "" && e.Key == key }); !slices.Equal(got, want) {
					t.Fatalf("key %q: %v, want %v", key, got, want)
				}
			}
			for _, trace := range []string{"", "x", "y", "z"} {
				if got, want := ids(m.ofTraces([]string{trace, trace})), find(func(e store.Entry) bool { return trace != "" && e.Trace == trace }); !slices.Equal(got, want) {
					t.Fatalf("trace %q: %v, want %v", trace, got, want)
				}
			}
			if len(want) == 0 && len(m.keys)+len(m.traces) > 0 {
				t.Fatalf("of nothing, keys %v and traces %v are left", m.keys, m.traces)
			}
		}
	})
}

// What memory takes in truth is what it says, however many records come.
func TestMemoryIsBounded(t *testing.T) {
	const bound = 16 << 20
	f := following(t, Config{Bytes: bound}, 1)
	s, err := f.Subscribe(Request{}) // nobody reads it
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	before := heap()
	for n := range 150_000 {
		f.take(0, message(0, int64(n), written("node", n, fmt.Sprintf("id-%d", n/4))))
		if f.memory.bytes > bound {
			t.Fatalf("%d bytes", f.memory.bytes)
		}
	}
	took := heap() - before
	t.Logf("%d records take %.1f MB, said to be %.1f; %d each beside the record", f.memory.log.len(), float64(took)/1e6, float64(f.memory.bytes)/1e6,
		(took-f.memory.bytes)/f.memory.log.len()+itemOverhead)
	if took > bound*5/4 || f.memory.log.len() < bound/2000 {
		t.Errorf("%d records take %d bytes of %d", f.memory.log.len(), took, bound)
	}
	runtime.KeepAlive(f)
}
