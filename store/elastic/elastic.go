package elastic

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esapi"

	template "github.com/waybill-log/waybill/infra/elasticsearch"
	"github.com/waybill-log/waybill/store"
)

// Config says where Elasticsearch is, and as whom it is asked.
type Config struct {
	URLs   []string      // one cluster's nodes, asked in turns
	Prefix string        // of all index and template names; empty: "waybill"
	Wait   time.Duration // how long one Put retries what Elasticsearch cannot take now; 0: 2 s

	User, Password string `json:"-"` // basic authentication
	APIKey         string `json:"-"` // in its encoded form; instead of User
	CAFile         string // PEM of who signed the nodes' certificates; empty: the system's

	Logger *slog.Logger // nil discards
}

// refreshInterval is the template's index.refresh_interval, and some time for a refresh itself.
const refreshInterval = 2 * time.Second

// Store is an open store.
type Store struct {
	es     *elasticsearch.BaseClient
	urls   string
	prefix string
	wait   time.Duration
	log    *slog.Logger
	bodies sync.Pool // of *[]byte: bulk requests

	mu      sync.Mutex
	created map[string]bool // indices known to exist
}

// Open checks that Elasticsearch answers and puts the index templates. Errors
// wrap store.ErrUnavailable where the cluster does not answer, and name its address.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s, err := connect(cfg)
	if err != nil {
		return nil, fmt.Errorf("open Elasticsearch store: %w", err)
	}
	for kind, text := range templates {
		if err := s.putTemplate(ctx, kind, text); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// templates are those of this binary, by what is in their indices.
var templates = map[string]string{"records": template.Records, "journeys": template.Journeys}

func connect(cfg Config) (*Store, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = "waybill"
	}
	if cfg.Wait == 0 {
		cfg.Wait = 2 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	transport, err := cfg.transport()
	if err != nil {
		return nil, err
	}
	es, err := elasticsearch.NewBaseClient(elasticsearch.Config{
		Addresses: cfg.URLs, Username: cfg.User, Password: cfg.Password, APIKey: cfg.APIKey,
		Transport:    transport,
		DisableRetry: true, // Put retries what may be retried
	})
	if err != nil {
		return nil, err
	}
	return &Store{es: es, urls: strings.Join(cfg.URLs, ", "), prefix: cfg.Prefix, wait: cfg.Wait, log: cfg.Logger, created: map[string]bool{}}, nil
}

// transport neither asks for compressed answers, which cost more than they save
// beside the cluster, nor waits for ever.
func (cfg *Config) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableCompression = true
	t.MaxIdleConnsPerHost = 64
	t.ResponseHeaderTimeout = time.Minute
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.APIKey != "" && cfg.User != "" {
		return nil, errors.New("give an API key or a user, not both")
	}
	if cfg.CAFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(cfg.CAFile)
	if err != nil {
		return nil, fmt.Errorf("certificates of who signed Elasticsearch's: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", cfg.CAFile)
	}
	return t, nil
}

// putTemplate puts the index template of records or journeys, unless a newer one is
// there. Who may not put it can go on where somebody else has.
func (s *Store) putTemplate(ctx context.Context, kind, text string) error {
	name := s.prefix + "-" + kind
	there, err := s.templateVersion(ctx, name)
	if err != nil {
		return fmt.Errorf("get index template %s: %w", name, err)
	}
	own, err := versionOf(text)
	if err != nil {
		return err
	}
	if there > own {
		s.log.Warn("the index template is newer than this binary's, and stays", "template", name, "version", there, "own_version", own)
		return nil
	}
	body := strings.Replace(text, `"waybill-`+kind+`-*"`, `"`+name+`-*"`, 1)
	_, err = s.do(ctx, esapi.IndicesPutIndexTemplateRequest{Name: name, Body: strings.NewReader(body)})
	var refused *refusal
	if errors.As(err, &refused) && refused.status == http.StatusForbidden && there > 0 {
		s.log.Warn("the index template may not be put, and stays as it is", "template", name, "version", there, "own_version", own)
		return nil
	}
	if err != nil {
		return fmt.Errorf("put index template %s: %w", name, err)
	}
	return nil
}

// templateVersion is 0 where there is none, or where it may not be seen.
func (s *Store) templateVersion(ctx context.Context, name string) (int, error) {
	answer, err := s.do(ctx, esapi.IndicesGetIndexTemplateRequest{Name: name})
	var refused *refusal
	if errors.As(err, &refused) && (refused.status == http.StatusNotFound || refused.status == http.StatusForbidden) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var found struct {
		Templates []struct {
			Template struct {
				Version int `json:"version"`
			} `json:"index_template"`
		} `json:"index_templates"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return 0, err
	}
	if len(found.Templates) == 0 {
		return 0, nil
	}
	return found.Templates[0].Template.Version, nil
}

// index is the daily index of a record's own time, UTC.
func (s *Store) index(t time.Time) string {
	return s.prefix + "-records-" + t.UTC().Format(dayLayout)
}

const dayLayout = "2006.01.02"

// ensureIndex creates an index that does not exist yet; the template does the rest.
func (s *Store) ensureIndex(ctx context.Context, name string) error {
	s.mu.Lock()
	known := s.created[name]
	s.mu.Unlock()
	if known {
		return nil
	}
	_, err := s.do(ctx, esapi.IndicesCreateRequest{Index: name})
	var refused *refusal
	if err != nil && (!errors.As(err, &refused) || refused.kind != "resource_already_exists_exception") {
		return fmt.Errorf("create index %s: %w", name, err)
	}
	s.mu.Lock()
	s.created[name] = true
	s.mu.Unlock()
	return nil
}

func (s *Store) forgetIndex(name string) {
	s.mu.Lock()
	delete(s.created, name)
	s.mu.Unlock()
}

// Lag implements store.Reader: a document is found after the next refresh.
func (s *Store) Lag() time.Duration { return refreshInterval }

// Ready implements store.Store: the cluster has all primary shards.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.do(ctx, esapi.ClusterHealthRequest{WaitForStatus: "yellow", Timeout: time.Second})
	return err
}

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// refusal is an answer of Elasticsearch that is not 2xx.
type refusal struct {
	whole  bool // of a request, not of one of its items
	status int
	kind   string
	reason string
}

func (r *refusal) Error() string {
	return fmt.Sprintf("Elasticsearch answered %d %s: %s", r.status, r.kind, r.reason)
}

// temporary reports whether the same request may pass later: the cluster's
// state refused it, not its content.
func (r *refusal) temporary() bool {
	return r.status == http.StatusTooManyRequests || r.status >= 500 && !r.tooManyWords() ||
		r.kind == "cluster_block_exception" || r.kind == indexNotFound
}

const indexNotFound = "index_not_found_exception"

// tooManyWords reports whether a phrase was refused for the number of words that
// begin like its last one.
func (r *refusal) tooManyWords() bool {
	return strings.Contains(r.reason, "expanded to too many terms")
}

// content reports whether a record itself was refused, for good.
func (r *refusal) content() bool {
	return r.status == http.StatusBadRequest && r.kind != "index_closed_exception" && r.kind != "validation_exception"
}

// cause is why Elasticsearch refuses something.
type cause struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

type request interface {
	Do(ctx context.Context, transport esapi.Transport) (*esapi.Response, error)
}

// do makes one request. Its error is a *refusal for an answer that is not 2xx,
// or wraps store.ErrUnavailable.
func (s *Store) do(ctx context.Context, req request) ([]byte, error) {
	res, err := req.Do(ctx, s.es)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: Elasticsearch at %s does not answer (%w); start it or set --elasticsearch-urls", store.ErrUnavailable, s.urls, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: answer of Elasticsearch at %s: %w", store.ErrUnavailable, s.urls, err)
	}
	if !res.IsError() {
		return body, nil
	}
	r := &refusal{whole: true, status: res.StatusCode, kind: "error", reason: http.StatusText(res.StatusCode)}
	var answer struct {
		Error struct {
			cause
			Root []cause `json:"root_cause"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error.Type != "" {
		r.kind, r.reason = answer.Error.Type, answer.Error.Reason
		if r.kind == "search_phase_execution_exception" && len(answer.Error.Root) > 0 { // which says nothing itself
			r.kind, r.reason = answer.Error.Root[0].Type, answer.Error.Root[0].Reason
		}
	}
	if r.temporary() {
		return nil, fmt.Errorf("%w: %w", store.ErrUnavailable, r)
	}
	return nil, r
}

var _ store.Store = (*Store)(nil)
