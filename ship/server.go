package ship

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Server carries batches to the intake of a collector, as NDJSON.
type Server struct {
	retrier
	url, token string
	client     http.Client
	zip        *zstd.Encoder // nil: the way is short
}

// answerTime is how long a server may take. The intake gives Kafka ten seconds.
const answerTime = 60 * time.Second

// NewServer is for the collector at base, such as http://127.0.0.1:7601.
func NewServer(base, token string, patience Patience) (*Server, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("collector URL %q: want http://host:port or https://host:port", base)
	}
	s := &Server{retrier: retrier{Patience: patience}, url: strings.TrimRight(base, "/") + "/api/v1/records", token: token, client: http.Client{Timeout: answerTime}}
	if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		if s.zip, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(underWay), zstd.WithWindowSize(1<<20)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Check asks whether the server is there and takes records. It tries once.
func (s *Server) Check(ctx context.Context) error {
	_, err := s.post(ctx, nil)
	var l later
	if errors.As(err, &l) {
		return fmt.Errorf("%w: %w", ErrUnreachable, l.error)
	}
	return err
}

// errTooLarge means that a batch is more than the server takes at once.
var errTooLarge = errors.New("too large")

// Carry implements Carrier.
func (s *Server) Carry(ctx context.Context, b *Batch) (refused int, err error) {
	if b.Records == 0 {
		return 0, nil
	}
	err = s.do(ctx, func() (err error) {
		refused, err = s.post(ctx, b.Body)
		return err
	})
	if !errors.Is(err, errTooLarge) {
		return refused, err
	}
	if b.Records == 1 {
		s.warn("a record is not taken: " + err.Error())
		return 1, nil
	}
	first, second := b.Halves()
	refused, err = s.Carry(ctx, first)
	if err != nil {
		return 0, err
	}
	more, err := s.Carry(ctx, second)
	return refused + more, err
}

// post sends a body once.
func (s *Server) post(ctx context.Context, body []byte) (refused int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	if s.zip != nil && len(body) > 0 {
		req.Header.Set("Content-Encoding", "zstd")
		body = s.zip.EncodeAll(body, nil)
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res, err := s.client.Do(req)
	if err != nil {
		return 0, later{error: fmt.Errorf("no collector takes records at %s (%w)", s.url, cause(err))}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 0, later{error: fmt.Errorf("the answer of %s: %w", s.url, err)}
	}
	return s.read(res, answer)
}

// cause is an error of the HTTP client without the URL, which is said anyway.
func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (s *Server) read(res *http.Response, answer []byte) (refused int, err error) {
	var said struct {
		Refused int    `json:"refused_count"`
		Detail  string `json:"detail"`
		Lines   []struct {
			Reason string `json:"reason"`
		} `json:"refused"`
	}
	readable := json.Unmarshal(answer, &said) == nil
	if readable && said.Refused > 0 {
		s.warn(fmt.Sprintf("%d records are refused: %s", said.Refused, said.Lines[0].Reason))
		return said.Refused, nil
	}
	detail := fmt.Errorf("%s answers %s: %s", s.url, res.Status, said.Detail)
	switch code := res.StatusCode; {
	case code == http.StatusOK && readable:
		return 0, nil
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return 0, fmt.Errorf("%w: %w; set --token or --token-file", ErrNotAllowed, detail)
	case code == http.StatusRequestEntityTooLarge:
		return 0, fmt.Errorf("%w: %w", errTooLarge, detail)
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return 0, later{error: detail, after: time.Duration(min(max(seconds, 0), 60)) * time.Second}
	}
	return 0, fmt.Errorf("%w; is it the address of a collector, such as http://127.0.0.1:7601?", detail)
}

// Close ends connections that are idle.
func (s *Server) Close() error {
	s.client.CloseIdleConnections()
	return nil
}
