package query

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// buildSized is a build of so many bytes of records.
func buildSized(id string, bytes int) *build {
	r := &record.Record{ID: id, CorrelationID: id, CorrelationKey: id, Raw: []byte(strings.Repeat("x", bytes))}
	return newBuild(&journey.Journey{CorrelationID: id, Records: []*record.Record{r}, RecordHops: []int32{-1}}, id, "")
}

func (b *builds) ids() (ids string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.kept {
		ids += one.id
	}
	return ids
}

func TestBuildsAreKeptWithinTheirBytes(t *testing.T) {
	b := &builds{max: 3500}
	put := func(id string, bytes int, want string) string {
		t.Helper()
		one := buildSized(id, bytes)
		b.put(one)
		if got := b.ids(); got != want {
			t.Errorf("after %s: %s are kept, want %s", id, got, want)
		}
		return one.revision
	}
	a := put("a", 1000, "a")
	put("b", 1000, "ab")
	put("c", 1000, "abc")
	if b.get(a) == nil {
		t.Error("a is gone")
	}
	put("d", 1000, "cad") // b was not used for longest
	put("e", 3000, "e")
	put("f", 4000, "e") // larger than all that may be kept
	put("e", 3000, "e")
	if b.get(a) != nil || b.bytes != b.kept[0].bytes() {
		t.Errorf("%d bytes", b.bytes)
	}
	dropped := b.kept[0]
	b.forget([]string{"x", "e"})
	if dropped.ends.Stop() {
		t.Error("what was let go is held by its timer")
	}
	if b.ids() != "" || b.bytes != 0 {
		t.Errorf("%s, %d bytes are kept", b.ids(), b.bytes)
	}
	for n := range 2 * maxKept {
		b.max = 1 << 20
		b.put(buildSized(fmt.Sprint(n), 1))
	}
	if len(b.kept) != maxKept {
		t.Errorf("%d are kept", len(b.kept))
	}
}

func TestBuildsThatNobodyUsesAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &builds{max: 1 << 20}
		a, c := buildSized("a", 1), buildSized("c", 1)
		b.put(a)
		b.put(c)
		time.Sleep(keptFor - time.Second)
		if b.get(a.revision) == nil {
			t.Error("a is gone")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if b.ids() != "a" {
			t.Errorf("%s are kept", b.ids())
		}
		time.Sleep(keptFor)
		synctest.Wait()
		if ids := b.ids(); ids != "" {
			t.Errorf("%s are kept", ids)
		}
	})
}
