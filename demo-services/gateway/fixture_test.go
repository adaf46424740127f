package gateway_test

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/gateway"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/instrument/instrumenttest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick")) // sarama's, one a process
}

// fixture is a gateway on a real socket, before services that are handlers.
type fixture struct {
	t        *testing.T
	cfg      gateway.Config
	journeys *instrumenttest.Recorder
	lines    sync.Mutex
	log      bytes.Buffer       // what is logged as JSON; guarded by lines
	identity *credential.Minter // issues sessions
	verify   func(service string) *credential.Verifier
	servers  map[string]string // addresses by service
	url      string
}

func key(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// open starts a gateway before services, each a handler.
func open(t *testing.T, services map[string]http.HandlerFunc, change ...func(*gateway.Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, journeys: instrumenttest.New(t), servers: map[string]string{}}
	for name, h := range services {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		f.servers[name] = s.Listener.Addr().String()
	}
	minter := credential.NewMinter(key(t), "gateway")
	f.identity = credential.NewMinter(key(t), "identity")
	f.verify = func(service string) *credential.Verifier {
		return credential.NewVerifier("gateway", service, func() []ed25519.PublicKey { return []ed25519.PublicKey{minter.Key()} })
	}
	in := f.journeys.Service("gateway")
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	f.cfg = gateway.Config{
		Services: in.Transport(byName{f.servers, base}), Minter: minter,
		IdentityKeys: func() []ed25519.PublicKey { return []ed25519.PublicKey{f.identity.Key()} },
		Logger:       slog.New(slog.NewMultiHandler(in.Logger().Handler(), slog.NewJSONHandler(f, nil))),
		TrackURL:     func(id string) string { return "http://tracking/?id=" + id },
	}
	for _, c := range change {
		c(&f.cfg)
	}
	g, err := gateway.New(f.cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	f.listen(g, in)
	return f
}

func (f *fixture) listen(g *gateway.Gateway, in *instrument.Instrument) {
	f.t.Helper()
	e := echo.New()
	e.Use(in.Echo(instrument.Untrusted()))
	g.Routes(e)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	s := gateway.Server(e)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(gateway.Listener(ln, e)) }()
	f.t.Cleanup(func() {
		s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			f.t.Error(err)
		}
	})
	f.url = "http://" + ln.Addr().String()
}

// byName is what discovery's transport is: hosts are names of services.
type byName struct {
	at   map[string]string
	next http.RoundTripper
}

func (b byName) RoundTrip(r *http.Request) (*http.Response, error) {
	at, ok := b.at[r.URL.Host]
	if !ok {
		return nil, errors.New("nobody has that name at 10.0.0.7")
	}
	u, out := *r.URL, r.WithContext(r.Context())
	u.Host, out.Host = at, ""
	out.URL = &u
	return b.next.RoundTrip(out)
}

func (f *fixture) Write(p []byte) (int, error) {
	f.lines.Lock()
	defer f.lines.Unlock()
	return f.log.Write(p)
}

func (f *fixture) logged() string {
	f.lines.Lock()
	defer f.lines.Unlock()
	return f.log.String()
}

// session is a token of the identity service.
func (f *fixture) session(user string, roles ...string) string {
	f.t.Helper()
	token, _, err := f.identity.Issue(user, "gateway", time.Hour, roles...)
	if err != nil {
		f.t.Fatal(err)
	}
	return token
}

// reply is an answer, read whole.
type reply struct {
	*http.Response
	body string
}

// problem is what RFC 9457 says, and our tracking number.
type problem struct {
	Type          string `json:"type"`
	Title         string `json:"title"`
	Status        int    `json:"status"`
	Detail        string `json:"detail"`
	Instance      string `json:"instance"`
	CorrelationID string `json:"correlation_id"`
}

// ask sends a request; headers are "Name: value".
func (f *fixture) ask(method, path, body string, headers ...string) reply {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return f.send(r)
}

func (f *fixture) send(r *http.Request) reply {
	f.t.Helper()
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	if err != nil {
		f.t.Error(err)
		return reply{&http.Response{Header: http.Header{}}, ""}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Error(err)
	}
	return reply{res, string(body)}
}

// raw writes bytes on a socket and reads the first answer.
func (f *fixture) raw(text string) reply {
	f.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	go c.Write([]byte(text)) // the server may hang up before it has read all
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return reply{res, string(body)}
}

// refused demands a problem with a tracking number that leads to a journey.
func (f *fixture) refused(r reply, status int, kind string) problem {
	f.t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.Header.Get("Content-Type") != "application/problem+json" {
		f.t.Fatalf("answer %d is no problem+json: %v, %s", r.StatusCode, r.Header, r.body)
	}
	if r.StatusCode != status || p.Status != status || p.Title == "" || !strings.HasSuffix(p.Type, kind) {
		f.t.Errorf("answer %d %s, want %d of kind %s", r.StatusCode, r.body, status, kind)
	}
	if p.CorrelationID == "" || p.CorrelationID != r.Header.Get(instrument.HeaderCorrelationID) {
		f.t.Errorf("tracking number %q is not %q", p.CorrelationID, r.Header.Get(instrument.HeaderCorrelationID))
	}
	f.journeys.Journey(p.CorrelationID).Visited("gateway")
	return p
}

func (f *fixture) status(r reply, want int) {
	f.t.Helper()
	if r.StatusCode != want {
		f.t.Fatalf("answer %d %s, want %d", r.StatusCode, r.body, want)
	}
}

// says answers with JSON, and with headers as "Name: value".
func says(body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			if name == "Content-Type" {
				w.Header().Del(name)
			}
			w.Header().Add(name, value)
		}
		io.WriteString(w, body)
	}
}

func fails(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "panic: SELECT at 10.0.0.7:5432", status) }
}
