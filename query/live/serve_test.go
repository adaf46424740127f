package live

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
)

// served is an event as a browser reads it.
type served struct{ id, event, data string }

func nextServed(t *testing.T, in *bufio.Scanner) (e served) {
	t.Helper()
	var data []string
	for in.Scan() {
		name, value, _ := strings.Cut(in.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.event = value
		case "data":
			data = append(data, value)
		case "":
			if e.data = strings.Join(data, "\n"); e.event != "" {
				return e
			}
		}
	}
	t.Fatalf("the stream ends: %v", in.Err())
	return e
}

// serving answers each request with a tail.
func serving(t *testing.T, f *Follower, ended chan<- error) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := f.Subscribe(Request{Resume: r.Header.Get("Last-Event-ID")})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		defer s.Close()
		ended <- s.Serve(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func get(t *testing.T, url, id string) (*http.Response, *bufio.Scanner) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if id != "" {
		req.Header.Set("Last-Event-ID", id)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, 4<<20)
	return res, in
}

func TestATailIsServed(t *testing.T) {
	f := following(t, Config{}, 2)
	ended := make(chan error, 10)
	url := serving(t, f, ended)
	res, in := get(t, url, "")
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" || !in.Scan() || in.Text() != "retry: 2000" {
		t.Errorf("%s; %q", got, in.Text())
	}
	first, large := written("n", 0, "a"), written("n", 1, strings.Repeat("a", 100))
	large = []byte(strings.Replace(string(large), `"step 1"`, `"`+strings.Repeat("x", 200_000)+`"`, 1))
	spread := []byte(strings.Replace(string(written("n", 2, "c")), ",", ",\r\n ", 1))
	f.take(0, message(0, 0, first))
	f.take(1, message(1, 0, large))
	f.take(1, message(1, 1, spread))
	var id string
	for n, want := range []string{string(first), string(large), strings.ReplaceAll(string(spread), "\r\n", "\n\n")} {
		e := nextServed(t, in)
		if n == 2 { // the line break stands between two values
			e.data, want = strings.ReplaceAll(e.data, "\n", ""), strings.ReplaceAll(want, "\n", "")
		}
		if e.event != "record" || e.data != want {
			t.Errorf("%d: %s %.100q, want %.100q", n, e.event, e.data, want)
		}
		if n == 0 {
			id = e.id
		}
	}
	e := nextServed(t, in)
	var receipt Receipt
	if err := json.Unmarshal([]byte(e.data), &receipt); err != nil || e.event != "receipt" || receipt != (Receipt{Matched: 3, Shown: 3}) {
		t.Errorf("%+v, %v", e, err)
	}
	res.Body.Close()
	if err := <-ended; err != nil {
		t.Errorf("that a client goes is no error: %v", err)
	}
	res, in = get(t, url, id)
	if e := nextServed(t, in); e.data != string(large) {
		t.Errorf("after the first record comes %.100s", e.data)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for e = nextServed(t, in); e.event == "record"; e = nextServed(t, in) {
	}
	if !strings.Contains(e.data, `"matched":2,"shown":2,"skipped":0`) {
		t.Errorf("the last receipt is %s", e.data)
	}
	if in.Scan() {
		t.Errorf("after it comes %q", in.Text())
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	res.Body.Close()
}

// A client that takes nothing is cut. Until then it has held up nobody, nor grown.
func TestAStalledClientIsCut(t *testing.T) {
	f := following(t, Config{Stall: 200 * time.Millisecond, Bytes: 2 << 20}, 1)
	ended := make(chan error, 10)
	url := serving(t, f, ended)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the client is there", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.clients == 1 })
	for n := 0; ; n++ {
		raw := record.Append(nil, &record.Record{
			Time: time.Now().UTC(), Level: "info", Message: strings.Repeat("x", 50_000), Service: "bank", Node: "n", Sequence: uint64(n + 1), CorrelationID: "k",
		})
		f.take(0, message(0, int64(n), raw))
		if f.memory.bytes > 2<<20 {
			t.Fatal(f.memory.bytes)
		}
		select {
		case err := <-ended:
			if err == nil {
				t.Error("that it was cut is not said")
			}
			return
		case <-time.After(time.Millisecond):
		}
		if n > 60_000 {
			t.Fatal("the client is not cut")
		}
	}
}
