package intake

import (
	"bytes"
	"cmp"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/IBM/sarama"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/waybill-log/waybill/record"
)

// topic stands for Kafka: it keeps what is sent, or is away.
type topic struct {
	sarama.SyncProducer
	mu       sync.Mutex
	messages []*sarama.ProducerMessage
	away     bool
	wait     chan struct{} // not nil: an answer waits for it, once arrived is told
	arrived  chan struct{}
}

func (k *topic) SendMessages(messages []*sarama.ProducerMessage) error {
	if k.wait != nil {
		k.arrived <- struct{}{}
		<-k.wait
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away {
		return errors.New("away")
	}
	k.messages = append(k.messages, messages...)
	return nil
}

func (k *topic) Close() error { return nil }

// records decodes what was sent and forgets it. Every message is a record, in
// canonical form unless it came as one, under its key.
func (k *topic) records(t testing.TB) (out []record.Record) {
	t.Helper()
	for _, m := range k.messages {
		value, _ := m.Value.Encode()
		r, err := record.Decode(value)
		if err != nil {
			t.Fatalf("%v: %s", err, value)
		}
		var key []byte
		if m.Key != nil {
			key, _ = m.Key.Encode()
		}
		if string(key) != r.CorrelationKey || m.Topic != record.TopicRecords {
			t.Errorf("on %s under %q: %s", m.Topic, key, value)
		}
		out = append(out, r)
	}
	k.messages = nil
	return out
}

func newIntake(cfg Config) (*Intake, *topic) {
	k := &topic{arrived: make(chan struct{}, 10)}
	return newWith(cfg, k), k
}

func label(r record.Record, key string) string {
	i := slices.IndexFunc(r.Labels, func(l record.Label) bool { return l.Key == key })
	if i < 0 {
		return ""
	}
	return r.Labels[i].Value
}

// post sends a body of a media type; the header is pairs.
func post(h http.Handler, path, media string, body []byte, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", media)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	z, _ := zstd.NewWriter(nil)
	return z.EncodeAll(b, nil)
}

func ids(records []record.Record) string {
	var out []string
	for _, r := range records {
		out = append(out, r.ID)
	}
	return strings.Join(out, " ")
}

func messages(records []record.Record) string {
	var out []string
	for _, r := range records {
		out = append(out, cmp.Or(r.CorrelationID, "-")+":"+r.Message)
	}
	return strings.Join(out, " ")
}
