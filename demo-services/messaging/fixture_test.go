package messaging_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"go.uber.org/goleak"

	"github.com/waybill-log/waybill/demo-services/database"
	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
)

var metrics = goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick") // sarama's, one a process

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, metrics) }

// handled is what handlers write, once for each effect.
const handled = `CREATE TABLE IF NOT EXISTS handled (n INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL, instance INTEGER NOT NULL) STRICT`

// service is what stays of one when it is restarted: its name and its disk.
type service struct {
	t    testing.TB
	name string
	db   *sql.DB
	in   *instrument.Instrument
}

// instance is one that runs.
type instance struct {
	*messaging.Bus
	service *service
	end     context.CancelFunc
	ended   chan error
	once    sync.Once
}

// newService makes one of a role, under a name that nobody else has.
func newService(t testing.TB, role string) *service {
	t.Helper()
	name := testservers.Name(t)
	name = role + name[strings.LastIndex(name, "-"):]
	db, err := database.Open(filepath.Join(t.TempDir(), role+".db"), messaging.Schema, handled)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	in, err := instrument.Start(t.Context(), instrument.Config{Service: name, Scoped: true, Console: slog.DiscardHandler, Deliver: func(string, []byte, []byte) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Shutdown(context.Background()) })
	return &service{t: t, name: name, db: db, in: in}
}

// config is what its instances are made of.
func (s *service) config(router *messaging.Router) messaging.Config {
	return messaging.Config{Service: s.name, DB: s.db, Instrument: s.in, Router: router}
}

// start runs an instance with handlers.
func (s *service) start(cfg messaging.Config, handlers ...func(*messaging.Bus)) *instance {
	s.t.Helper()
	bus, err := messaging.Open(cfg, testservers.Kafka(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, set := range handlers {
		set(bus)
	}
	ctx, end := context.WithCancel(context.Background())
	i := &instance{Bus: bus, service: s, end: end, ended: make(chan error, 1)}
	go func() { i.ended <- bus.Run(ctx) }()
	s.t.Cleanup(i.stop)
	return i
}

// stop ends an instance as its host does.
func (i *instance) stop() {
	i.once.Do(func() {
		i.end()
		if err := <-i.ended; err != nil {
			i.service.t.Error(err)
		}
		if err := i.Close(); err != nil {
			i.service.t.Error(err)
		}
	})
}

// on has messages of a type handled.
func on(typ string, handle messaging.Handler) func(*messaging.Bus) {
	return func(b *messaging.Bus) { b.Handle(typ, handle) }
}

// keep is a handler whose effect is a row.
func keep(instance int) messaging.Handler {
	return func(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO handled (id, type, key, payload, instance) VALUES (?, ?, ?, ?, ?)", m.ID, m.Type, m.Key, string(m.Payload), instance)
		return err
	}
}

// keys are the keys of what has been handled, in order.
func (s *service) keys() (keys []string) {
	s.t.Helper()
	var list string
	if err := s.db.QueryRow("SELECT coalesce(json_group_array(key), '[]') FROM (SELECT key FROM handled ORDER BY n)").Scan(&list); err != nil {
		s.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(list), &keys); err != nil {
		s.t.Fatal(err)
	}
	return keys
}

// has waits until a service has handled n messages, and a little for one too many.
func (s *service) has(n int) []string {
	s.t.Helper()
	eventually(s.t, func() (bool, string) {
		got := len(s.keys())
		return got >= n, fmt.Sprintf("%s has handled %d, want %d", s.name, got, n)
	})
	keys := s.keys()
	if len(keys) != n {
		s.t.Fatalf("%s has handled %d, want %d: %q", s.name, len(keys), n, keys)
	}
	return keys
}

// send sends a message of a type for each key.
func send(t testing.TB, b *messaging.Bus, typ string, keys ...string) {
	t.Helper()
	err := b.Within(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		for _, key := range keys {
			if err := b.Send(ctx, tx, typ, key, map[string]string{"for": key}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// numbered are n keys.
func numbered(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s%03d", prefix, i)
	}
	return keys
}

const patience = 20 * time.Second // without news

// eventually waits until something is so; its text says what is instead. While that changes, it
// waits on.
func eventually(t testing.TB, so func() (bool, string)) {
	t.Helper()
	last := ""
	for news := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		ok, text := so()
		if ok {
			return
		}
		if text != last {
			news, last = time.Now(), text
		}
		if time.Since(news) > patience {
			t.Fatal(text)
		}
	}
}

// routed is a router of a table, whose %s are given.
func routed(t testing.TB, format string, names ...any) *messaging.Router {
	t.Helper()
	return messaging.NewRouter(parsed(t, format, names...))
}

func parsed(t testing.TB, format string, names ...any) *messaging.Table {
	t.Helper()
	table, err := messaging.ParseTable(fmt.Appendf(nil, format, names...))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// headers are a message's.
func headers(of []*sarama.RecordHeader) map[string]string {
	out := map[string]string{}
	for _, h := range of {
		out[string(h.Key)] = string(h.Value)
	}
	return out
}
