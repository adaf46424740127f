package ship

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/ship/format"
)

var update = flag.Bool("update", false, "rewrite golden files")

// shelf is a carrier that keeps everything.
type shelf struct {
	mu   sync.Mutex
	body []byte
}

func (s *shelf) Carry(_ context.Context, b *Batch) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body = append(s.body, b.Body...)
	return 0, nil
}

// records decodes what the shelf holds, and checks what every record has to be.
func (s *shelf) records(t testing.TB) (out []record.Record) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range bytes.Lines(s.body) {
		r, err := record.Decode(bytes.Clone(bytes.TrimSuffix(line, []byte("\n"))))
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, r)
	}
	return out
}

func (s *shelf) messages(t testing.TB) (out []string) {
	t.Helper()
	for _, r := range s.records(t) {
		out = append(out, r.Message)
	}
	return out
}

func idSources(t testing.TB, texts ...string) (out []Source) {
	t.Helper()
	for _, text := range texts {
		s, err := ParseIDSource(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func nameSources(t testing.TB, texts ...string) (out []Source) {
	t.Helper()
	for _, text := range texts {
		s, err := ParseNameSource(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func TestEveryFormatIsReadAsItsGoldenFileSays(t *testing.T) {
	seen := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	const request = `req-[0-9a-f-]+`
	f := func(file, detected string, change func(*Config)) {
		t.Helper()
		t.Run(file, func(t *testing.T) {
			path := filepath.Join("testdata", "golden", file+".log")
			if err := os.Chtimes(path, seen, seen); err != nil { // what is undated has the time of first sight, which is now, else
				t.Fatal(err)
			}
			var said []string
			s := &shelf{}
			cfg := Config{Files: []string{path}, IDs: idSources(t, request), Carrier: s, InOrder: true, Warn: func(text string) { said = append(said, text) }, now: func() time.Time { return seen }}
			if change != nil {
				change(&cfg)
			}
			receipt, err := Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if detected != "" && !strings.Contains(strings.Join(said, "\n"), "is read as "+detected) {
				t.Errorf("said %q, want it read as %s", said, detected)
			}
			s.records(t)
			got := append([]byte(receipt.String()+"\n"), s.body...)
			golden := strings.TrimSuffix(path, ".log") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
	f("json", format.JSON, func(c *Config) { c.IDs = idSources(t, "json:ctx.request_id") })
	f("ecs", format.ECS, nil)
	f("logfmt", format.Logfmt, func(c *Config) { c.IDs = idSources(t, "json:request_id") })
	f("otlp", format.OTLP, func(c *Config) { c.IDs = idSources(t, "json:order.id") })
	f("clf", format.CLF, func(c *Config) {
		c.IDs = idSources(t, `rid=(\w+)`, request)
		c.Services = nameSources(t, "edge")
		c.Nodes = nameSources(t, `path:/(\w+)\.log$`)
	})
	f("syslog", format.Syslog, func(c *Config) { c.IDs = idSources(t, request, "json:request_id") })
	f("docker", format.Docker, func(c *Config) { c.IDs = idSources(t, "json:request_id", request) })
	f("cri", format.CRI, func(c *Config) { c.IDs = idSources(t, "json:request_id", request) })
	f("hdfs", format.Text, func(c *Config) {
		c.IDs, c.AllIDs = idSources(t, `blk_-?\d+`), true
		c.Services = nameSources(t, `re:(\w+\.\w+(?:\$\w+)?):`)
	})
	f("openstack", "", func(c *Config) {
		c.Pattern = regexp.MustCompile(`^\S+ (?P<time>\S+ \S+) (?P<pid>\d+) (?P<level>\w+) (?P<service>[\w.]+) (?P<message>.*)$`)
		c.IDs = idSources(t, `(?P<request>req-[0-9a-f-]+)`, `instance: (?P<instance>[0-9a-f-]+)`)
	})
	f("openstack-all", "", func(c *Config) {
		c.IDs, c.AllIDs = idSources(t, `req-[0-9a-f-]+`, `instance: ([0-9a-f-]+)`), true
	})
	f("java", format.Text, func(c *Config) { c.Start = regexp.MustCompile(`^\d{4}-\d\d-\d\d `) })
	f("nginx-error", format.Text, nil)
	f("yearless", format.Syslog, nil)
	f("latin1", format.Text, nil)
	f("utf16le", format.Text, nil)
	f("utf16be", format.Text, nil)
	f("holes", format.Text, nil)
}
