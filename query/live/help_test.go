package live

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"))
}

// size is a number of records: ten times as many for make torture.
func size(n int) int {
	if os.Getenv("TORTURE") != "" {
		return 10 * n
	}
	return n
}

// written is a record as a service writes it, the nth of a node.
func written(node string, n int, key string) []byte {
	return record.Append(nil, &record.Record{
		Time: time.Date(2026, 11, 24, 10, 0, 0, n, time.UTC), Level: "info", Message: fmt.Sprintf("step %d", n), Service: "bank", Node: node,
		Sequence: uint64(n + 1), CorrelationID: key, TraceID: fmt.Sprintf("%032x", 1+len(key)), SpanID: fmt.Sprintf("%016x", n+1),
	})
}

func message(partition int32, offset int64, value []byte) []*sarama.ConsumerMessage {
	return []*sarama.ConsumerMessage{{Partition: partition, Offset: offset, Value: value}}
}

// following is a follower that a test feeds by itself.
func following(t testing.TB, cfg Config, partitions int) *Follower {
	cfg.Brokers = []string{"127.0.0.1:1"}
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.looked, f.why = true, nil
	for range partitions {
		f.partitions = append(f.partitions, &partition{})
	}
	return f
}

func ids(entries []store.Entry) (out []string) {
	for _, e := range entries {
		out = append(out, e.ID)
	}
	return out
}

func idOf(t interface {
	Helper()
	Fatal(...any)
}, raw []byte) string {
	t.Helper()
	e, err := store.NewEntry(raw)
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}
