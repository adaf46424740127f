package ship

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"
)

// clerk is a server that answers as told, and keeps what it has accepted.
type clerk struct {
	mu     sync.Mutex
	answer func(n int, body []byte) (status int, header, text string)
	n      int
	took   []byte
}

func (c *clerk) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if req.Header.Get("Content-Encoding") == "zstd" {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		if body, err = d.DecodeAll(body, nil); err != nil {
			return nil, err
		}
	}
	c.n++
	status, after, text := c.answer(c.n, body)
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	if status == http.StatusOK {
		c.took = append(c.took, body...)
	}
	w := httptest.NewRecorder()
	if after != "" {
		w.Header().Set("Retry-After", after)
	}
	w.WriteHeader(status)
	w.WriteString(text)
	return w.Result(), nil
}

const fine = `{"accepted":1,"refused_count":0,"refused":[]}`

func asks(t *testing.T, c *clerk, patience Patience) *Server {
	t.Helper()
	s, err := NewServer("http://127.0.0.1:7601/", "secret", patience)
	if err != nil {
		t.Fatal(err)
	}
	s.client.Transport = c
	return s
}

func batchOf(lines ...string) *Batch {
	return &Batch{Body: []byte(strings.Join(lines, "\n") + "\n"), Records: len(lines)}
}

func TestWhatMayPassLaterIsTriedAgainUntilItDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		c := &clerk{answer: func(n int, _ []byte) (int, string, string) {
			switch {
			case n <= 20:
				return 0, "", ""
			case n == 21:
				return http.StatusServiceUnavailable, "7", `{"detail":"Kafka has not taken every record"}`
			case n == 22:
				return http.StatusTooManyRequests, "", "not JSON"
			case n == 23:
				return http.StatusBadGateway, "", ""
			case n == 24:
				return http.StatusOK, "", "<html>" // of whoever is in between
			}
			return http.StatusOK, "", fine
		}}
		s := asks(t, c, Patience{Warn: func(text string) { said = append(said, text) }})
		began := time.Now()
		refused, err := s.Carry(t.Context(), batchOf("{}", "{}"))
		if n := c.n; err == nil || !strings.Contains(err.Error(), "is it the address of a collector") || n != 24 {
			t.Fatalf("%d refused after %d attempts: %v", refused, n, err)
		}
		if refused, err = s.Carry(t.Context(), batchOf("{}", "{}")); err != nil || refused != 0 || s.Retries() != 23 {
			t.Fatalf("%d refused, %d retries: %v", refused, s.Retries(), err)
		}
		if took := time.Since(began); took < 2*time.Minute || took > 10*time.Minute {
			t.Errorf("took %v", took)
		}
		if all := strings.Join(said, "\n"); len(said) < 2 || len(said) > 24 || !strings.Contains(all, "no collector takes records at http://127.0.0.1:7601/api/v1/records (connection refused); trying again in") {
			t.Errorf("said %q", said)
		}
	})
}

func TestWhoGetsNoAnswerGivesUpInTimeOrWhenInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clerk{answer: func(int, []byte) (int, string, string) { return 0, "", "" }}
		began := time.Now()
		if _, err := asks(t, c, Patience{GiveUp: time.Minute}).Carry(t.Context(), batchOf("{}")); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "127.0.0.1:7601") {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if took := time.Since(began); took < 30*time.Second || took > 2*time.Minute {
			t.Errorf("took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := asks(t, c, Patience{}).Carry(ctx, batchOf("{}")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("interrupted: %v", err)
		}
	})
}

func TestWhatTheServerWillNeverTakeIsNotTriedAgain(t *testing.T) {
	answer := func(status int, text string) *clerk {
		return &clerk{answer: func(int, []byte) (int, string, string) { return status, "", text }}
	}
	c := answer(http.StatusUnauthorized, `{"detail":"this server wants a token"}`)
	if err := asks(t, c, Patience{}).Check(t.Context()); !errors.Is(err, ErrNotAllowed) || c.n != 1 {
		t.Errorf("%d attempts: %v", c.n, err)
	}
	c = answer(http.StatusNotFound, "404 page not found")
	if err := asks(t, c, Patience{}).Check(t.Context()); err == nil || !strings.Contains(err.Error(), "is it the address of a collector") {
		t.Error(err)
	}
	c = answer(http.StatusBadRequest, `{"accepted":0,"refused_count":2,"refused":[{"line":1,"reason":"no event.id"}]}`)
	if refused, err := asks(t, c, Patience{}).Carry(t.Context(), batchOf("{}", "{}")); err != nil || refused != 2 {
		t.Errorf("%d refused: %v", refused, err)
	}
	if err := asks(t, answer(0, ""), Patience{}).Check(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nobody: %v", err)
	}
	for _, bad := range []string{"", "127.0.0.1:7601", "ftp://a", "http://"} {
		if _, err := NewServer(bad, "", Patience{}); err == nil || !strings.Contains(err.Error(), "want http://host:port") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestABatchThatIsTooLargeIsHalved(t *testing.T) {
	c := &clerk{answer: func(_ int, body []byte) (int, string, string) {
		if bytes.Count(body, []byte("\n")) > 3 || bytes.Contains(body, []byte("huge")) {
			return http.StatusRequestEntityTooLarge, "", `{"detail":"more than 9 bytes"}`
		}
		return http.StatusOK, "", fine
	}}
	s := asks(t, c, Patience{})
	var err error
	if s.zip, err = zstd.NewWriter(nil); err != nil { // as to another machine
		t.Fatal(err)
	}
	b := batchOf(`{"n":0}`, `{"n":1}`, `{"n":2}`, `{"huge":3}`, `{"n":4}`, `{"n":5}`, `{"n":6}`)
	if refused, err := s.Carry(t.Context(), b); err != nil || refused != 1 {
		t.Errorf("%d refused: %v", refused, err)
	}
	if want := `{"n":0}` + "\n" + `{"n":1}` + "\n" + `{"n":2}` + "\n" + `{"n":4}` + "\n" + `{"n":5}` + "\n" + `{"n":6}` + "\n"; string(c.took) != want {
		t.Errorf("took %s", c.took)
	}
	var one map[string]int
	for value := range b.All() {
		if err := json.Unmarshal(value, &one); err != nil {
			t.Fatal(err)
		}
	}
}
