package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// file has that content, for its owner alone.
func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// caught is what a server got.
type caught struct {
	mu     sync.Mutex
	header []http.Header
	body   [][]byte
	path   []string
}

func (c *caught) catch(r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.header, c.body, c.path = append(c.header, r.Header.Clone()), append(c.body, b), append(c.path, r.URL.RequestURI())
}

// server is on loopback; its receivers need allow_private.
func server(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handle)
	t.Cleanup(s.Close)
	return s.URL
}

// tryOnce has one attempt made, as a test delivery is.
func tryOnce(t *testing.T, cfg Config, r Receiver) Delivery {
	t.Helper()
	cfg.Receivers = []Receiver{r}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(m)
	d, err := m.Test(t.Context(), r.Name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func webhookTo(url string, more ...func(*Receiver)) Receiver {
	r := Receiver{Name: "ops", AllowPrivate: true, Timeout: 5 * time.Second, Webhook: &Webhook{HTTP: HTTP{URL: url}}}
	for _, set := range more {
		set(&r)
	}
	return r
}

const (
	oldSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	newSecret = "whsec_bmV3IHNlY3JldCBvZiB0aGUgcmVjZWl2ZXIgb3BzIQ=="
)

// A receiver that fails twice and then answers gets three requests under one ID, which the
// library of Standard Webhooks verifies with either secret.
func TestWebhooksAreSignedByBothSecrets(t *testing.T) {
	var c caught
	var n atomic.Int32
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		c.catch(r)
		if n.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	r := webhookTo(url+"/hook", func(r *Receiver) {
		r.Webhook.SecretFiles = []string{file(t, oldSecret+"\n"), file(t, newSecret)}
		r.Retry.First = time.Millisecond
	})
	j := newMemory()
	m, err := New(Config{Receivers: []Receiver{r}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(m)
	if err := m.Take(0, j, j.all()); err != nil {
		t.Fatal(err)
	}
	sent := note("ops", "g-17")
	sent.Alerts[0].Text = "a \"quoted\" <text>\nand \u202Emore"
	if err := m.Notify(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	d := ended(t, m, "ops")
	want(t, "outcome", d.Outcome, Delivered)
	want(t, "requests", len(c.header), 3)
	for i, h := range c.header {
		want(t, "webhook-id", h.Get("webhook-id"), "g-17")
		want(t, "signatures", strings.Count(h.Get("webhook-signature"), "v1,"), 2)
		for _, secret := range []string{oldSecret, newSecret} {
			wh, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := wh.Verify(c.body[i], h); err != nil {
				t.Errorf("request %d: %v", i, err)
			}
			if err := wh.Verify(append([]byte(" "), c.body[i]...), h); err == nil {
				t.Error("another body is verified too")
			}
		}
	}
	if !bytes.Equal(c.body[0], c.body[2]) {
		t.Error("the body changes from attempt to attempt")
	}
	var p Payload
	if err := json.Unmarshal(c.body[0], &p); err != nil {
		t.Fatal(err)
	}
	want(t, "type", p.Type, "alert.firing")
	want(t, "text", p.Data.Alerts[0].Text, sent.Alerts[0].Text)
	want(t, "correlation ID", p.Data.Alerts[0].CorrelationID, "Order-g-17")
	want(t, "tracking number", p.Data.Tracking, "alert-g-17")
	shown := fmt.Sprintf("%+v", d) + string(encoded(d))
	for _, secret := range []string{oldSecret, newSecret, oldSecret[6:], c.header[0].Get("webhook-signature")} {
		if strings.Contains(shown, secret) {
			t.Errorf("the history shows %q", secret)
		}
	}
	if first := d.Attempts[0]; !strings.HasPrefix(first.Request, "POST "+url+"/hook\n") || !strings.Contains(first.Request, "Webhook-Id: g-17\n") || !strings.HasPrefix(first.Answer, "HTTP/1.1 503 ") {
		t.Errorf("the history has %q and %q", first.Request, first.Answer)
	}
}

// ended waits for a delivery to end.
func ended(t *testing.T, m *Manager, receiver string) Delivery {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if h := m.History(receiver); len(h) > 0 && h[0].Outcome != Pending {
			return h[0]
		}
	}
	t.Fatalf("%s has got nothing: %+v", receiver, m.History(receiver))
	return Delivery{}
}

func TestARotatedSecretCountsAtOnce(t *testing.T) {
	var c caught
	url := server(t, func(_ http.ResponseWriter, r *http.Request) { c.catch(r) })
	path := file(t, oldSecret)
	m, err := New(Config{Receivers: []Receiver{webhookTo(url, func(r *Receiver) { r.Webhook.SecretFiles = []string{path} })}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(m)
	for _, secret := range []string{oldSecret, newSecret} {
		if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := m.Test(t.Context(), "ops"); err != nil || d.Outcome != Delivered {
			t.Fatalf("%+v %v", d, err)
		}
		wh, _ := standardwebhooks.NewWebhook(secret)
		if err := wh.Verify(c.body[len(c.body)-1], c.header[len(c.header)-1]); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(path, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := m.Test(t.Context(), "ops")
	if err != nil || !strings.Contains(d.Reason, "holds no whsec_") || strings.Contains(d.Reason, "hunter2") {
		t.Errorf("%+v %v", d, err)
	}
	want(t, "requests", len(c.body), 2)
}

func TestReceiversAreOnlyWhereTheyMayBe(t *testing.T) {
	var hit atomic.Int32
	url := server(t, func(http.ResponseWriter, *http.Request) { hit.Add(1) })
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	f := func(host string, allowPrivate bool, reason string) {
		t.Helper()
		d := tryOnce(t, Config{}, webhookTo("http://"+host+":"+port+"/", func(r *Receiver) { r.AllowPrivate = allowPrivate; r.Timeout = time.Second }))
		want(t, host, d.Outcome, Failed)
		if !strings.Contains(d.Reason, errForbidden.Error()) || !strings.Contains(d.Reason, reason) {
			t.Errorf("%s: reason is %q, want %q", host, d.Reason, reason)
		}
	}
	f("169.254.169.254", false, "link-local")
	f("169.254.169.254", true, "link-local")
	f("127.0.0.1", false, "set allow_private: true")
	f("localhost", false, "this machine")
	f("[::1]", false, "this machine")
	f("[::ffff:127.0.0.1]", false, "this machine")
	f("[::ffff:169.254.169.254]", true, "link-local")
	f("[64:ff9b::a9fe:a9fe]", true, "link-local")
	f("[2002:a9fe:a9fe::1]", true, "link-local")
	f("0.0.0.0", true, "unspecified")
	f("[::]", true, "unspecified")
	f("10.0.0.1", false, "private network")
	f("172.16.0.1", false, "private network")
	f("192.168.1.1", false, "private network")
	f("100.64.0.1", false, "provider's network")
	f("100.100.100.200", true, "metadata")
	f("224.0.0.1", true, "multicast")
	f("255.255.255.255", true, "reserved")
	f("[fd00:ec2::254]", true, "metadata")
	f("[fc00::1]", false, "private network")
	f("[fe80::1]", true, "link-local")
	f("[ff02::1]", true, "multicast")
	f("[2001:db8::5efe:7f00:1]", false, "documentation")
	f("[2a00::5efe:7f00:1]", false, "as 127.0.0.1")
	want(t, "requests", hit.Load(), 0)
	if d := tryOnce(t, Config{}, webhookTo(url)); d.Outcome != Delivered || hit.Load() != 1 {
		t.Errorf("allowed, and got %+v", d)
	}
	for _, public := range []string{"8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"} {
		if err := (places{}).judge("tcp", net.JoinHostPort(public, "443")); err != nil {
			t.Error(err)
		}
	}
}

func TestRedirectsAreJudgedToo(t *testing.T) {
	var inner atomic.Int32
	target := server(t, func(http.ResponseWriter, *http.Request) { inner.Add(1) })
	_, innerPort, _ := net.SplitHostPort(strings.TrimPrefix(target, "http://"))
	f := func(status int, to, reason string, reached int32) {
		t.Helper()
		inner.Store(0)
		url := server(t, func(w http.ResponseWriter, r *http.Request) {
			at := to
			if at == "" {
				at = "http://" + r.Host + "/"
			}
			w.Header().Set("Location", at)
			w.WriteHeader(status)
		})
		d := tryOnce(t, Config{}, webhookTo(url))
		if reason == "" && d.Outcome != Delivered || !strings.Contains(d.Reason, reason) {
			t.Errorf("%d to %s: %s, %q, want %q", status, to, d.Outcome, d.Reason, reason)
		}
		want(t, "reached", inner.Load(), reached)
	}
	f(307, "http://169.254.169.254/latest/meta-data", "link-local", 0)
	f(308, "http://[::ffff:169.254.169.254]:"+innerPort, "link-local", 0)
	f(307, "file:///etc/passwd", "it redirects from http to file", 0)
	f(307, "gopher://127.0.0.1:"+innerPort, "it redirects from http to gopher", 0)
	f(307, "", "redirects more than 3 times", 0)
	f(302, target, "set its url to where it is", 0)
	f(303, target, "set its url", 0)
	f(308, target, "", 1)

	// From outside to loopback: a name that is public, by a resolver that sends its first address elsewhere.
	url := server(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	p := &poster{m: &Manager{}, http: HTTP{URL: url}, places: places{allowPrivate: true}}
	client, err := p.current()
	if err != nil {
		t.Fatal(err)
	}
	outside := places{}
	transport := client.Transport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if strings.HasSuffix(url, addr) { // stands for a public address
			return dial(ctx, network, addr)
		}
		return outside.dial(ctx, network, addr)
	}
	a := &answer{}
	p.post(t.Context(), "", http.Header{}, nil, nil, a)
	wantError(t, a.err, "this machine")
	want(t, "final", a.final, true)
	want(t, "reached", inner.Load(), 1)
	p.close()
}

// A name that means a public address when it is first asked for, and this machine when it is dialled.
func TestANameThatChangesItsMindIsJudgedAsItIsDialled(t *testing.T) {
	var hit, asked atomic.Int32
	url := server(t, func(http.ResponseWriter, *http.Request) { hit.Add(1) })
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	addr := nameServer(t, func(q dns.Question) dns.RR {
		if q.Qtype != dns.TypeA {
			return nil
		}
		ip := "127.0.0.1"
		if asked.Add(1) == 1 {
			ip = "192.0.2.1"
		}
		return &dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 0}, A: net.ParseIP(ip)}
	})
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	if _, err := resolver.LookupHost(t.Context(), "rebind.example.com"); err != nil { // as a check before would
		t.Fatal(err)
	}
	d := tryOnce(t, Config{Resolver: resolver}, webhookTo("http://rebind.example.com:"+port, func(r *Receiver) { r.AllowPrivate = false }))
	want(t, "outcome", d.Outcome, Failed)
	if !strings.Contains(d.Reason, "127.0.0.1 is this machine") {
		t.Errorf("reason is %q", d.Reason)
	}
	want(t, "requests", hit.Load(), 0)
	if asked.Load() < 2 {
		t.Error("the name was not asked for when it was dialled")
	}
	d = tryOnce(t, Config{Resolver: resolver}, webhookTo("http://rebind.example.com:"+port))
	want(t, "allowed", d.Outcome, Delivered)
}

func nameServer(t *testing.T, answer func(dns.Question) dns.RR) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		m := new(dns.Msg).SetReply(r)
		if rr := answer(r.Question[0]); rr != nil {
			m.Answer = append(m.Answer, rr)
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = s.ActivateAndServe() }()
	t.Cleanup(func() { _ = s.Shutdown() })
	return conn.LocalAddr().String()
}

func TestAProxyIsNotAsked(t *testing.T) {
	var asked atomic.Int32
	t.Setenv("HTTP_PROXY", server(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	c := &poster{m: &Manager{}, http: HTTP{URL: "http://hook.invalid"}}
	client, err := c.current()
	if err != nil {
		t.Fatal(err)
	}
	if client.Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy of the environment would be asked, which dials for us")
	}
	d := tryOnce(t, Config{}, webhookTo("http://hook.invalid", func(r *Receiver) { r.Timeout = time.Second }))
	want(t, "outcome", d.Outcome, Failed)
	want(t, "asked", asked.Load(), 0)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// raw is a server that says what it likes.
func raw(t *testing.T, say func(net.Conn)) string {
	t.Helper()
	ln := listen(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				say(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		wg.Wait()
	})
	return ln.Addr().String()
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	flood := func(conn net.Conn, first, more string) {
		_, _ = io.WriteString(conn, first)
		for len(more) > 0 {
			n, err := io.WriteString(conn, more)
			if written.Add(int64(n)); err != nil || written.Load() > 200<<20 {
				return
			}
		}
	}
	ask := func(conn net.Conn) { _, _ = conn.Read(make([]byte, 64<<10)) }
	f := func(name string, outcome Outcome, within time.Duration, say func(net.Conn)) Delivery {
		t.Helper()
		written.Store(0)
		start := time.Now()
		d := tryOnce(t, Config{}, webhookTo("http://"+raw(t, say), func(r *Receiver) { r.Timeout = 3 * time.Second }))
		if took := time.Since(start); took > within {
			t.Errorf("%s took %v", name, took)
		}
		want(t, name, d.Outcome, outcome)
		if len(d.Attempts[0].Answer) > maxAnswerHead {
			t.Errorf("%s: the history has %d bytes of the answer", name, len(d.Attempts[0].Answer))
		}
		return d
	}
	big := strings.Repeat("x", 64<<10)
	f("100 MB", Delivered, 3*time.Second, func(c net.Conn) {
		ask(c)
		flood(c, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n", big)
	})
	if n := written.Load(); n > 16<<20 {
		t.Errorf("of 100 MB %d were taken", n)
	}
	f("endless headers", Failed, 3*time.Second, func(c net.Conn) { ask(c); flood(c, "HTTP/1.1 200 OK\r\n", "X-More: "+big[:1000]+"\r\n") })
	if n := written.Load(); n > 16<<20 {
		t.Errorf("of endless headers %d were taken", n)
	}
	f("one endless header", Failed, 3*time.Second, func(c net.Conn) { ask(c); flood(c, "HTTP/1.1 200 OK\r\nX: ", big) })
	f("headers that never end", Failed, 5*time.Second, func(c net.Conn) {
		ask(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X: y\r\n"); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	f("silence", Failed, 5*time.Second, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	f("a body that never ends", Delivered, 4*time.Second, func(c net.Conn) {
		ask(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for {
			if _, err := io.WriteString(c, "1\r\nx\r\n"); err != nil {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	d := f("a terminal's commands", Failed, 3*time.Second, func(c net.Conn) {
		ask(c)
		_, _ = io.WriteString(c, "HTTP/1.1 500 \x1b[31mNo\r\nConnection: close\r\n\r\n\x1b]0;owned\x07 \xff\u202E\u0085ok")
	})
	if got := d.Attempts[0].Answer + d.Reason; strings.ContainsAny(got, "\x1b\x07\u202E\u0085") || !strings.Contains(got, `\x1b]0;owned\a \xff\u202e\u0085ok`) {
		t.Errorf("the history has %q", got)
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	d := tryOnce(t, Config{}, webhookTo(s.URL))
	want(t, "unknown authority", d.Outcome, Failed)
	ca := file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	d = tryOnce(t, Config{}, webhookTo(s.URL, func(r *Receiver) { r.Webhook.CAFile = ca }))
	want(t, "known authority", d.Outcome, Delivered)
	d = tryOnce(t, Config{}, webhookTo(s.URL, func(r *Receiver) { r.Webhook.CAFile = file(t, "none") }))
	if !strings.Contains(d.Reason, "holds no certificate") {
		t.Errorf("reason is %q", d.Reason)
	}
}

func TestNoSecretIsShown(t *testing.T) {
	var c caught
	echo := server(t, func(w http.ResponseWriter, r *http.Request) {
		c.catch(r)
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "bad request %s with %s", r.URL.RequestURI(), r.Header.Get("Authorization"))
	})
	f := func(name string, r Receiver, secrets ...string) {
		t.Helper()
		for _, url := range []string{echo, "http://127.0.0.1:1"} {
			r := r
			r.Name, r.AllowPrivate = name, true
			switch {
			case r.Slack != nil:
				r.Slack = &Chat{HTTP{URL: url + r.Slack.URL}}
			case r.Webhook != nil && r.Webhook.URLFile != "":
				r.Webhook = &Webhook{HTTP: HTTP{URLFile: file(t, url+"/private/path")}}
			default:
				r.Webhook = &Webhook{HTTP: HTTP{URL: url + r.Webhook.URL, TokenFile: r.Webhook.TokenFile}}
			}
			var log bytes.Buffer
			m, err := New(Config{Receivers: []Receiver{r}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			d, err := m.Test(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			shown := string(encoded(d)) + fmt.Sprintf("%+v", m.Receivers()) + log.String()
			for _, secret := range secrets {
				if strings.Contains(shown, secret) {
					t.Errorf("%s shows %s: %s", name, secret, shown)
				}
			}
			closeNow(m)
		}
	}
	f("slack", Receiver{Slack: &Chat{HTTP{URL: "/services/T000/B000/sEcReT"}}}, "sEcReT", "T000")
	f("query", Receiver{Webhook: &Webhook{HTTP: HTTP{URL: "/hook?key=sEcReT"}}}, "sEcReT")
	f("token", Receiver{Webhook: &Webhook{HTTP: HTTP{URL: "/hook", TokenFile: file(t, "sEcReT-token\n")}}}, "sEcReT")
	f("url-file", Receiver{Webhook: &Webhook{HTTP: HTTP{URLFile: "x"}}}, "private/path")
	want(t, "token sent", c.header[2].Get("Authorization"), "Bearer sEcReT-token")
}
