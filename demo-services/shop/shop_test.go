package shop_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/demo-services/bank"
	"github.com/waybill-log/waybill/demo-services/shop"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/instrument"
)

type fixture struct {
	*shop.Shop
	t      *testing.T
	data   string
	broker broker.Config
	addr   string
	stop   func()
}

// open starts the shop on an embedded broker with a fixed port, so that the
// broker can go and come back.
func open(t *testing.T) *fixture {
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
	f.Shop, err = shop.Start(t.Context(), shop.Config{
		Brokers: []string{f.addr}, Data: f.data, GatewayAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", BankAddr: "127.0.0.1:0", GameAddr: "127.0.0.1:0",
	})
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
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := f.one(service, query)
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: %s is %s, want %s", service, query, got, want)
		}
	}
}

func (f *fixture) post(body string) (int, string) {
	f.t.Helper()
	res, err := http.Post(f.URL()+"/purchases", "application/json", strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	if res.Header.Get("X-Correlation-ID") == "" {
		f.t.Errorf("%s has no tracking number", res.Status)
	}
	return res.StatusCode, string(answer)
}

const (
	dollars = "SELECT dollars FROM accounts WHERE user = 'USER1'"
	points  = "SELECT coalesce(sum(points), 0) FROM players WHERE user = 'USER1'"
	opened  = "SELECT count(*) FROM orders WHERE state = 'OPEN'"
	orders  = "SELECT count(*) FROM orders"
	outbox  = "SELECT count(*) FROM outbox"
)

func TestAPurchaseMovesDollarsIntoPoints(t *testing.T) {
	f := open(t)
	for range 3 {
		if _, err := f.Buy(t.Context(), "USER1", 100); err != nil {
			t.Fatal(err)
		}
	}
	f.eventually("bank", opened, "3")
	if d, p := f.one("bank", dollars), f.one("game", points); d != "999700" || p != "300" {
		t.Errorf("%s dollars, %s points", d, p)
	}
	f.eventually("bank", outbox, "0")
	f.eventually("game", outbox, "0")
}

func TestARefusedPurchaseMovesNothing(t *testing.T) {
	f := open(t)
	for body, status := range map[string]int{
		`{"user":"USER1","points":-1}`:                               400,
		`{"user":"USER1","points":0}`:                                400,
		`{"user":"USER1","points":1.5}`:                              400,
		`{"user":"USER1","points":100001}`:                           400,
		`{"user":"USER1","points":9223372036854775808}`:              400,
		`{"user":"","points":1}`:                                     400,
		`{"user":"NOBODY","points":1}`:                               402,
		`nonsense`:                                                   400,
		`{"user":"USER1","x":"` + strings.Repeat("a", 70_000) + `"}`: 413,
	} {
		if got, answer := f.post(body); got != status {
			t.Errorf("%.60s: %d %s, want %d", body, got, answer, status)
		}
	}
	if d, n := f.one("bank", dollars), f.one("bank", orders); d != "1000000" || n != "0" {
		t.Errorf("%s dollars, %s orders", d, n)
	}
}

func TestAMessageThatComesTwiceIsHandledOnce(t *testing.T) {
	f := open(t)
	if _, err := f.Buy(t.Context(), "USER1", 100); err != nil {
		t.Fatal(err)
	}
	f.eventually("bank", opened, "1")

	client, err := sarama.NewClient([]string{f.addr}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	cfg := sarama.NewConfig()
	cfg.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer([]string{f.addr}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	for _, topic := range []string{bank.TopicOrders, bank.TopicConfirmations} {
		m := only(t, client, consumer, topic)
		again := &sarama.ProducerMessage{Topic: topic, Key: sarama.ByteEncoder(m.Key), Value: sarama.ByteEncoder(m.Value)}
		for _, h := range m.Headers {
			again.Headers = append(again.Headers, *h)
		}
		if _, _, err := producer.SendMessage(again); err != nil {
			t.Fatal(err)
		}
	}
	// A purchase behind them shows that both were handled.
	if _, err := f.Buy(t.Context(), "USER1", 1); err != nil {
		t.Fatal(err)
	}
	f.eventually("bank", opened, "2")
	if p := f.one("game", points); p != "101" {
		t.Errorf("%s points, want 101", p)
	}
}

// only reads the one message of a topic.
func only(t *testing.T, client sarama.Client, consumer sarama.Consumer, topic string) *sarama.ConsumerMessage {
	t.Helper()
	partitions, err := client.Partitions(topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		if end, err := client.GetOffset(topic, p, sarama.OffsetNewest); err != nil || end == 0 {
			continue
		}
		pc, err := consumer.ConsumePartition(topic, p, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer pc.Close()
		return <-pc.Messages()
	}
	t.Fatalf("no message on %s", topic)
	return nil
}

func TestWhatIsBoughtWhileKafkaIsAwayArrivesLater(t *testing.T) {
	f := open(t)
	if _, err := f.Buy(t.Context(), "USER1", 100); err != nil {
		t.Fatal(err)
	}
	f.eventually("bank", opened, "1")
	f.stop()
	if _, err := f.Buy(t.Context(), "USER1", 100); err != nil {
		t.Fatal(err)
	}
	if n := f.one("bank", outbox); n != "1" {
		t.Errorf("%s messages in the outbox, want 1", n)
	}
	f.up()
	f.eventually("bank", opened, "2")
	if p := f.one("game", points); p != "200" {
		t.Errorf("%s points", p)
	}
}

func TestStartSaysWhatIsTaken(t *testing.T) {
	f := open(t)
	_, err := shop.Start(t.Context(), shop.Config{
		Brokers: []string{f.addr}, Data: t.TempDir(), GatewayAddr: strings.TrimPrefix(f.URL(), "http://"),
		RegistryAddr: "127.0.0.1:0", BankAddr: "127.0.0.1:0", GameAddr: "127.0.0.1:0",
	})
	if err == nil || !strings.Contains(err.Error(), "is taken; stop what listens there or choose another with --gateway-addr") {
		t.Errorf("got %v", err)
	}
	_, err = shop.Start(t.Context(), shop.Config{
		Brokers: []string{"127.0.0.1:1"}, Data: t.TempDir(), GatewayAddr: "127.0.0.1:0", RegistryAddr: "127.0.0.1:0", BankAddr: "127.0.0.1:0", GameAddr: "127.0.0.1:0",
	})
	if err == nil || !strings.Contains(err.Error(), "Kafka at 127.0.0.1:1 does not answer") {
		t.Errorf("got %v", err)
	}
}
