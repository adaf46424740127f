package elastic_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/elastic"
)

// strict is an Elasticsearch with TLS, users and low limits.
type strict struct {
	*cluster
	caFile string
}

func newStrict(t *testing.T) *strict {
	node := testservers.StrictElasticsearch(t)
	client, err := node.Client()
	if err != nil {
		t.Fatal(err)
	}
	s := &strict{&cluster{t: t, url: node.URL, user: node.User, password: node.Password, client: client, prefix: testservers.Name(t)}, node.CAFile}
	t.Cleanup(s.clear)
	return s
}

func (s *strict) config() elastic.Config {
	return elastic.Config{URLs: []string{s.url}, Prefix: s.prefix, Wait: 20 * time.Second, User: s.user, Password: s.password, CAFile: s.caFile}
}

func (s *strict) open(cfg elastic.Config) *elastic.Store {
	s.t.Helper()
	st, err := elastic.Open(s.t.Context(), cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// apiKey makes a key that may do what roles say.
func (s *strict) apiKey(privileges ...string) string {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"name": s.prefix, "role_descriptors": map[string]any{"waybill": map[string]any{
		"cluster": []string{"monitor"},
		"indices": []any{map[string]any{"names": []string{s.prefix + "-*"}, "privileges": privileges}},
	}}})
	if err != nil {
		s.t.Fatal(err)
	}
	var key struct {
		Encoded string `json:"encoded"`
	}
	if err := json.Unmarshal([]byte(s.do("POST", "/_security/api_key", string(body))), &key); err != nil || key.Encoded == "" {
		s.t.Fatalf("API key: %+v, %v", key, err)
	}
	return key.Encoded
}

func TestWhoMayNotIsTold(t *testing.T) {
	s := newStrict(t)
	f := func(says string, change func(*elastic.Config)) {
		t.Helper()
		cfg := s.config()
		change(&cfg)
		if _, err := elastic.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %s", err, says)
		}
	}
	f("certificate", func(c *elastic.Config) { c.CAFile = "" })
	f("no such file", func(c *elastic.Config) { c.CAFile = filepath.Join(t.TempDir(), "ca.pem") })
	f("401", func(c *elastic.Config) { c.Password = "wrong" })
	f("401", func(c *elastic.Config) { c.User = "" })
	f("not both", func(c *elastic.Config) { c.APIKey = "x" })
	f("403", func(c *elastic.Config) {
		c.User, c.Password, c.APIKey = "", "", s.apiKey("create_doc", "create_index", "read")
	})
}

// A collector needs a key that can write and create indices, once somebody has put the template.
func TestAKeyOfLeastPrivilegeIsEnough(t *testing.T) {
	s := newStrict(t)
	s.open(s.config())
	var log bytes.Buffer
	cfg := s.config()
	cfg.User, cfg.Password, cfg.APIKey = "", "", s.apiKey("create_doc", "create_index", "read", "view_index_metadata")
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	st := s.open(cfg)
	res, err := st.Put(t.Context(), batch(t, 1, 5))
	if err != nil || res.Stored != 5 {
		t.Errorf("%+v, %v", res, err)
	}
	if res, err = st.Put(t.Context(), batch(t, 4, 6)); err != nil || res.Stored != 1 || res.Present != 2 {
		t.Errorf("%+v, %v", res, err)
	}
	if !strings.Contains(log.String(), "may not be put") {
		t.Errorf("log: %s", log.String())
	}
}

// The node's room for requests is smaller than a batch, always: 429, and 413.
func TestANodeThatTakesLittleAtOnceGetsLittle(t *testing.T) {
	s := newStrict(t)
	st := s.open(s.config())
	var entries []store.Entry
	for n := uint64(1); n <= 400; n++ { // 2 MB
		raw := record.Append(nil, &record.Record{Time: time.Date(2026, 11, 23, 12, 0, 0, int(n), time.UTC), Message: strings.Repeat("m", 5000), Node: "n1", Sequence: n})
		e, err := store.NewEntry(raw)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, e)
	}
	var stored int
	for pending := entries; ; {
		res, err := st.Put(t.Context(), pending)
		stored += res.Stored + res.Present
		if len(res.Rejected) > 0 {
			t.Fatalf("rejected %+v", res.Rejected[0])
		}
		if err == nil {
			break
		}
		if !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		t.Log(err)
		next := pending[:0:0]
		for _, i := range res.Unsettled {
			next = append(next, pending[i])
		}
		pending = next
	}
	s.do("POST", "/"+s.prefix+"-records-*/_refresh", "")
	if n, err := st.Count(t.Context()); stored != 400 || n != 400 || err != nil {
		t.Errorf("%d settled, %d there, %v", stored, n, err)
	}
}
