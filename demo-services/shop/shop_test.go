package shop_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/demo-services/dials"
	"github.com/waybill-log/waybill/demo-services/shop"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/instrument"
)

type fixture struct {
	*shop.Shop
	t        *testing.T
	customer *shop.Visitor // USER1
	data     string
	broker   broker.Config
	addr     string
	stop     func()
}

// open starts the shop on an embedded broker with a fixed port, so that the broker can go and come back.
func open(t *testing.T, protocol string) *fixture {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, data: t.TempDir(), broker: broker.Config{Dir: t.TempDir(), Addr: ln.Addr().String()}}
	ln.Close()
	f.up()
	client, err := collector.Connect([]string{f.addr}, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(collector.EnsureTopics(client, 1), client.Close()); err != nil {
		t.Fatal(err)
	}
	f.Shop, err = shop.Start(t.Context(), shop.Config{Brokers: []string{f.addr}, Data: f.data, Protocol: protocol, Deadline: 8 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := f.Close(ctx); err != nil {
			t.Error(err)
		}
		f.stop()
	})
	f.customer = f.Visitor()
	if err := f.customer.LogIn(t.Context(), "USER1"); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) up() {
	f.t.Helper()
	b, err := broker.Open(f.broker)
	if err != nil {
		f.t.Fatal(err)
	}
	f.addr, f.stop = b.Addr(), func() { b.Close() }
}

// one reads one value from a service's own database.
func (f *fixture) one(service, query string) (value string) {
	f.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.data, service+".db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&value); err != nil {
		f.t.Fatalf("%s: %s: %v", service, query, err)
	}
	return value
}

func (f *fixture) eventually(service, query, want string) {
	f.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := f.one(service, query)
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: %s is %s, want %s", service, query, got, want)
		}
	}
}

func (f *fixture) do(method, path string, body any) (status int, text string) {
	f.t.Helper()
	a, err := f.customer.Do(f.t.Context(), method, path, body)
	if err != nil {
		f.t.Fatal(err)
	}
	if a.CorrelationID == "" {
		f.t.Errorf("%s %s: %d has no tracking number", method, path, a.Status)
	}
	return a.Status, string(a.Body)
}

const (
	dollars = "SELECT dollars FROM accounts WHERE user = 'USER1'"
	points  = "SELECT coalesce(sum(points), 0) FROM players WHERE user = 'USER1'"
	opened  = "SELECT count(*) FROM orders WHERE state = 'OPEN'"
	undone  = "SELECT count(*) FROM orders WHERE state = 'CANCEL' AND acknowledged"
	orders  = "SELECT count(*) FROM orders"
	outbox  = "SELECT count(*) FROM outbox"
)

func TestAPurchaseMovesDollarsIntoPoints(t *testing.T) {
	f := open(t, "")
	for range 3 {
		if _, err := f.customer.Buy(t.Context(), 100); err != nil {
			t.Fatal(err)
		}
	}
	f.eventually("bank", opened, "3")
	f.eventually("game", points, "300")
	if d := f.one("bank", dollars); d != "999700" {
		t.Errorf("%s dollars", d)
	}
	f.eventually("orders", "SELECT count(*) FROM history WHERE user = 'USER1' AND state = 'OPEN' AND id NOT LIKE 'SEED%'", "3")
	f.eventually("bank", outbox, "0")
	f.eventually("game", outbox, "0")

	// Bought now, and carried out later.
	if status, text := f.do(http.MethodPost, "/services/bank/orders", map[string]any{"points": 7, "after": "300ms"}); status != http.StatusAccepted || !strings.Contains(text, "SCHEDULED") {
		t.Errorf("later: %d %s", status, text)
	}
	f.eventually("game", points, "307")
}

func TestARefusedPurchaseMovesNothing(t *testing.T) {
	f := open(t, "")
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	if status, text := f.do(http.MethodPost, "/services/bank/orders", raw(`{"id":"ORDER-7","points":1}`)); status != http.StatusAccepted {
		t.Fatal(status, text)
	}
	f.eventually("bank", opened, "1")
	for body, want := range map[string]int{
		`{"points":-1}`: 400, `{"points":0}`: 400, `{"points":1.5}`: 400, `{"points":100001}`: 400, `{"points":9223372036854775808}`: 400, `{"points":"7"}`: 400,
		`{"id":"ORDER-7","points":5}`: 409, `{"id":"or der","points":5}`: 400, `{"points":5,"after":"-3s"}`: 400, `{"points":5,"after":"1000h"}`: 400,
		`{"points":1,"x":"` + strings.Repeat("a", 70_000) + `"}`: 413,
	} {
		if status, text := f.do(http.MethodPost, "/services/bank/orders", raw(body)); status != want || !strings.Contains(text, `"correlation_id"`) {
			t.Errorf("%.60s: %d %s, want %d", body, status, text, want)
		}
	}
	for _, body := range []string{`{"points":-1}`, `{"points":0}`, `{"points":1.5}`, `{"points":9223372036854775808}`} {
		if status, text := f.do(http.MethodPost, "/v1/purchases", raw(body)); status < 400 || status > 422 {
			t.Errorf("purchase of %s: %d %s", body, status, text)
		}
	}
	if d, n := f.one("bank", dollars), f.one("bank", orders); d != "999999" || n != "1" {
		t.Errorf("%s dollars, %s orders", d, n)
	}
	f.customer.Header = http.Header{"X-Internal-Credential": {"forged"}}
	f.customer.LogIn(t.Context(), "NOBODY")
	if status, _ := f.do(http.MethodGet, "/services/bank/account", nil); status != http.StatusOK { // the session is what counts
		t.Errorf("with a forged credential beside the session: %d", status)
	}
	stranger := f.Visitor()
	stranger.Header = f.customer.Header
	if a, err := stranger.Do(t.Context(), http.MethodGet, "/services/bank/account", nil); err != nil || a.Status != http.StatusUnauthorized {
		t.Errorf("a forged credential: %d %v", a.Status, err)
	}
}

func TestWhatCannotBeCreditedIsGivenBack(t *testing.T) {
	for _, protocol := range []string{"saga", "two-phase"} {
		t.Run(protocol, func(t *testing.T) {
			f := open(t, protocol)
			if err := f.Dials().Turn("game", dials.Dial{Withdrawn: true}); err != nil {
				t.Fatal(err)
			}
			status, text := f.do(http.MethodPost, "/services/bank/orders", map[string]int{"points": 100})
			if want := map[string]int{"saga": http.StatusAccepted, "two-phase": http.StatusConflict}[protocol]; status != want {
				t.Errorf("%d %s, want %d", status, text, want)
			}
			f.eventually("bank", undone, "1")
			if d, p := f.one("bank", dollars), f.one("game", points); d != "1000000" || p != "0" {
				t.Errorf("%s dollars, %s points", d, p)
			}
			if err := f.Dials().Turn("game", dials.Dial{}); err != nil {
				t.Fatal(err)
			}
			status, text = f.do(http.MethodPost, "/services/bank/orders", map[string]int{"points": 100})
			if want := map[string]int{"saga": http.StatusAccepted, "two-phase": http.StatusCreated}[protocol]; status != want {
				t.Errorf("%d %s, want %d", status, text, want)
			}
			f.eventually("game", points, "100")
			if held := f.one("bank", "SELECT sum(held) FROM accounts"); held != "0" {
				t.Errorf("%s dollars are held", held)
			}
		})
	}
}

// The game does not pick its messages up, and the deadline passes.
func TestAPurchaseThatNobodyConfirmsIsCancelled(t *testing.T) {
	f := open(t, "")
	if err := f.Dials().Turn("game", dials.Dial{Paused: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.customer.Buy(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	f.eventually("bank", "SELECT count(*) FROM orders WHERE state = 'CANCEL'", "1")
	if d := f.one("bank", dollars); d != "1000000" {
		t.Errorf("%s dollars", d)
	}
	if err := f.Dials().Turn("game", dials.Dial{}); err != nil {
		t.Fatal(err)
	}
	f.eventually("bank", undone, "1")
	if p := f.one("game", points); p != "0" {
		t.Errorf("%s points", p)
	}
}

func TestWhatIsBoughtWhileKafkaIsAwayArrivesLater(t *testing.T) {
	f := open(t, "")
	if _, err := f.customer.Buy(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	f.eventually("bank", opened, "1")
	f.stop()
	if _, err := f.customer.Buy(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if n := f.one("bank", "SELECT count(*) FROM outbox WHERE type = 'order.place'"); n != "1" {
		t.Errorf("%s orders in the outbox, want 1", n)
	}
	f.up()
	for deadline := time.Now().Add(60 * time.Second); f.one("bank", "SELECT count(*) FROM orders WHERE state = 'NEW'") != "0"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("an order is still NEW")
		}
	}
	f.eventually("bank", "SELECT count(*) FROM orders WHERE state = 'OPEN' OR acknowledged", "2") // the broker may have been away for longer than the deadline
	f.eventually("game", "SELECT count(*) FROM credits WHERE state = 'RESERVED'", "0")
}

// An instance that sends heartbeats and does not work is asked no more, and the home page says
// what it lacks.
func TestASickServiceIsLeftOut(t *testing.T) {
	f := open(t, "")
	home := func() (missing []string) {
		t.Helper()
		a, err := f.customer.Home(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var page struct {
			Missing []string `json:"missing"`
		}
		if err := json.Unmarshal(a.Body, &page); err != nil {
			t.Fatal(err)
		}
		return page.Missing
	}
	if missing := home(); len(missing) > 0 {
		t.Errorf("%v are missing", missing)
	}
	question := new(dns.Msg).SetQuestion("_stock._tcp.shop.", dns.TypeSRV)
	served := func() int {
		t.Helper()
		answer, err := dns.Exchange(question, strings.TrimPrefix(f.RegistryURL(), "http://"))
		if err != nil {
			t.Fatal(err)
		}
		return len(answer.Answer)
	}
	if n := served(); n != 1 {
		t.Errorf("DNS knows %d instances", n)
	}
	if err := f.Dials().Turn("stock", dials.Dial{Sick: true}); err != nil {
		t.Fatal(err)
	}
	inRotation := func() bool {
		t.Helper()
		res, err := http.Get(f.RegistryURL() + "/services/stock")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var found struct{ Instances []any }
		if err := json.NewDecoder(res.Body).Decode(&found); err != nil {
			t.Fatal(err)
		}
		return len(found.Instances) > 0
	}
	until := func(want bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); inRotation() != want; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("in rotation: %v", !want)
			}
		}
	}
	until(false)
	if n := served(); n != 0 {
		t.Errorf("DNS knows %d instances of what is sick", n)
	}
	if missing := home(); !slices.Equal(missing, []string{"stock"}) {
		t.Errorf("%v are missing, want stock", missing)
	}
	if err := f.Dials().Turn("stock", dials.Dial{}); err != nil {
		t.Fatal(err)
	}
	until(true)
}

// Services that do not register themselves are known by a file.
func TestServicesAreListedInAFileToo(t *testing.T) {
	data := t.TempDir()
	start := func(text string) (*shop.Shop, error) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(data, "services.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return shop.Start(t.Context(), shop.Config{Data: data, Services: []string{"registry"}})
	}
	if _, err := start("services:\n  - name: mail\n    port: 7\n"); err == nil || !strings.Contains(err.Error(), "line 3: field port not found") {
		t.Errorf("got %v", err)
	}
	s, err := start("services:\n  - name: mail\n    urls: [http://127.0.0.1:7999]\n")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	res, err := http.Get(s.RegistryURL() + "/services/mail")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the registry knows of no mail: %s", res.Status)
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	f := open(t, "")
	fails := func(cfg shop.Config, want string) {
		t.Helper()
		if _, err := shop.Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	fails(shop.Config{Brokers: []string{f.addr}, Data: t.TempDir(), Addrs: map[string]string{"gateway": strings.TrimPrefix(f.URL(), "http://")}}, "is taken; stop what listens there or choose another with --gateway-addr")
	fails(shop.Config{Brokers: []string{"127.0.0.1:1"}, Data: t.TempDir()}, "Kafka at 127.0.0.1:1 does not answer")
	fails(shop.Config{Brokers: []string{f.addr}, Data: t.TempDir(), Services: []string{"bank", "baker"}}, "no service baker: there are registry, identity,")
	fails(shop.Config{Brokers: []string{f.addr}, Data: t.TempDir(), Services: []string{"bank"}}, "have to be told where it is")
}
