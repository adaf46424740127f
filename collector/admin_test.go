package collector_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/waybill-log/waybill/collector"
)

// moody is a store that can be asked how it is.
type moody struct {
	*memory
	why atomic.Pointer[error]
}

func (m *moody) Ready(context.Context) error {
	if err := m.why.Load(); err != nil {
		return *err
	}
	return nil
}

func TestReadinessTellsOfEachPart(t *testing.T) {
	addr := openBroker(t)
	st := &moody{memory: newMemory()}
	var log safeBuffer
	c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st, Partitions: 3, Logger: log.logger()})
	client := connect(t, addr)
	produce(t, client, lines("a", 1, 70)...)
	ask := func() (code int, state map[string]any) {
		w := httptest.NewRecorder()
		c.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/readyz?verbose", nil))
		if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		return w.Code, state
	}
	t.Cleanup(func() {
		if t.Failed() {
			_, state := ask()
			t.Logf("%v %d %v %s", state, len(st.held), meter(t, c, "waybill_records_received_total"), log.String())
		}
	})
	eventually(t, "all partitions are owned and read", func() bool {
		_, state := ask()
		next := 0.0
		for _, p := range state["partitions"].([]any) {
			next += p.(map[string]any)["next"].(float64)
			if p.(map[string]any)["lag"].(float64) != 0 {
				return false
			}
		}
		return next == 70 && len(state["partitions"].([]any)) == 3
	})
	if code, state := ask(); code != 200 || state["ready"] != true || state["kafka"] != "ok" || state["store"] != "ok" {
		t.Errorf("%d %v", code, state)
	}
	bad := errors.New("no primary shard")
	st.why.Store(&bad)
	if code, state := ask(); code != 503 || state["ready"] != false || state["store"] != "no primary shard" || state["kafka"] != "ok" {
		t.Errorf("%d %v", code, state)
	}
}
