package instrumenttest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/instrument/instrumenttest"
)

// The bank takes an order and asks the game over Kafka; both are run here as
// the services run them.
func TestAnOrderReachesTheGame(t *testing.T) {
	rec := instrumenttest.New(t)
	bank, game := rec.Service("bank"), rec.Service("game")

	takeOrder := bank.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		slog.InfoContext(r.Context(), "debited", "dollars", 100)
		_, _, _ = bank.Send(r.Context(), rec.Producer(), &sarama.ProducerMessage{Topic: "orders"})
	}))
	res := httptest.NewRecorder()
	takeOrder.ServeHTTP(res, httptest.NewRequest(http.MethodPost, "/orders", nil))
	for _, m := range rec.Messages("orders") {
		_ = game.Process(t.Context(), m, "game", func(ctx context.Context) error {
			slog.InfoContext(ctx, "points credited", "points", 100)
			instrument.Delivered(ctx)
			return nil
		})
	}

	j := rec.Journey(res.Header().Get(instrument.HeaderCorrelationID))
	j.Visited("bank").Logged("debited").Then("game").OverKafka("orders").Logged("points credited")
	j.NotVisited("audit").Whole().Delivered()
}

// printer stands in for the *testing.T that a test has and an example has not.
type printer struct{ ends []func() }

func (*printer) Helper()                           {}
func (*printer) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (*printer) Fatalf(format string, args ...any) { fmt.Printf(format+"\n", args...); os.Exit(1) }
func (*printer) Logf(string, ...any)               {}
func (*printer) Failed() bool                      { return false }
func (p *printer) Cleanup(f func())                { p.ends = append(p.ends, f) }
func (p *printer) end() {
	for _, f := range p.ends {
		f()
	}
}

func Example() {
	t := new(printer) // a test has its own
	defer t.end()
	rec := instrumenttest.New(t)
	bank, game := rec.Service("bank"), rec.Service("game")

	takeOrder := bank.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		slog.InfoContext(r.Context(), "debited", "dollars", 100)
		_, _, _ = bank.Send(r.Context(), rec.Producer(), &sarama.ProducerMessage{Topic: "orders"})
	}))
	req := httptest.NewRequest(http.MethodPost, "/orders", nil)
	req.Header.Set(instrument.HeaderCorrelationID, "Order-7")
	takeOrder.ServeHTTP(httptest.NewRecorder(), req)
	for _, m := range rec.Messages("orders") {
		_ = game.Process(context.Background(), m, "game", func(ctx context.Context) error {
			slog.Info("points credited") // without ctx
			instrument.Delivered(ctx)
			return nil
		})
	}

	j := rec.Only()
	j.Visited("bank").Then("game").OverKafka("orders")
	j.Whole().Delivered()
	j.Logged("points credited")
	// Output:
	// nobody logged "points credited", but slog did without the context of a service
	//
	// journey Order-7 is delivered: game declared it delivered
	// 8 records, proved: every hop has ended and all the records it counted are here
	//
	// bank  POST /orders  server, success, 200
	//   info  debited  dollars=100
	//   ─ kafka orders ─► game  process orders  consumer, success
	//     info  delivered
}

func ExampleJourney_String() {
	t := new(printer)
	defer t.end()
	rec := instrumenttest.New(t)
	message := &sarama.ConsumerMessage{Topic: "orders", Headers: []*sarama.RecordHeader{
		{Key: []byte(instrument.HeaderCorrelationID), Value: []byte("Order-7")},
	}}
	_ = rec.Service("bank").Process(context.Background(), message, "bank", func(ctx context.Context) error {
		ctx = instrument.Saga(ctx, "s-1", "debit", "compensate")
		instrument.Alias(ctx, "order", "A-1001")
		instrument.Returned(ctx, "out of stock")
		return nil
	})
	fmt.Println(rec.Only())
	// Output:
	// journey Order-7 is returned: bank declared it returned: out of stock
	// 4 records, proved: every hop has ended and all the records it counted are here
	//
	// bank  process orders  consumer, success
	//   info  alias order=A-1001  saga s-1 debit compensate
	//   warn  returned  saga s-1 debit compensate  reason=out of stock
}
