package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/IBM/sarama"
	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel"

	"github.com/waybill-log/waybill/instrument"
)

// A service names itself once; all else is slog and OpenTelemetry as ever.
func ExampleStart() {
	ctx := context.Background()
	in, err := instrument.Start(ctx, instrument.Config{Service: "bank", Version: "1.2"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer in.Shutdown(ctx)

	slog.InfoContext(ctx, "account opened", "owner", "Ada")
	ctx, span := otel.Tracer("bank").Start(ctx, "nightly interest")
	defer span.End()
	slog.InfoContext(ctx, "interest paid", "accounts", 3)
}

func ExampleCorrelationID() {
	ctx := context.Background()
	fmt.Printf("%q\n", instrument.CorrelationID(ctx))
	ctx, _ = instrument.WithCorrelationID(ctx, "Order-7")
	fmt.Printf("%q\n", instrument.CorrelationID(ctx))
	// Output:
	// ""
	// "Order-7"
}

func ExampleWithCorrelationID() {
	ctx, ok := instrument.WithCorrelationID(context.Background(), "Order-7")
	fmt.Println(instrument.CorrelationID(ctx), ok)
	ctx, ok = instrument.WithCorrelationID(ctx, "two words")
	fmt.Println(instrument.CorrelationID(ctx), ok)
	// Output:
	// Order-7 true
	// Order-7 false
}

// Code below a handler finds the service it runs in.
func ExampleFromContext() {
	in := offline("bank")
	defer in.Shutdown(done())

	in.Process(context.Background(), &sarama.ConsumerMessage{Topic: "shop.orders"}, "bank", func(ctx context.Context) error {
		fmt.Println(instrument.FromContext(ctx) == in)
		return nil
	})
	fmt.Println(instrument.FromContext(context.Background()) == nil)
	// Output:
	// true
	// true
}

// offline is an instrument for examples: it leaves the process's defaults alone,
// shows nothing, and its Kafka is not there.
func offline(service string) *instrument.Instrument {
	in, err := instrument.Start(context.Background(), instrument.Config{
		Service: service, Brokers: []string{"127.0.0.1:1"}, Console: slog.DiscardHandler, Scoped: true,
	})
	if err != nil {
		panic(err)
	}
	return in
}

func ExampleInstrument_Echo() {
	in := offline("shop")
	defer in.Shutdown(done())

	e := echo.New()
	e.Use(in.Echo())
	e.GET("/orders/:id", func(c echo.Context) error {
		ctx := c.Request().Context()
		in.Logger().InfoContext(ctx, "order shown", "order_id", c.Param("id"))
		return c.String(http.StatusOK, "journey "+instrument.CorrelationID(ctx))
	})

	req := httptest.NewRequest(http.MethodGet, "/orders/7", nil)
	req.Header.Set("x-correlation-id", "Order-7")
	res := httptest.NewRecorder()
	e.ServeHTTP(res, req)
	fmt.Println(res.Body, "-", res.Header().Get(instrument.HeaderCorrelationID))
	// Output: journey Order-7 - Order-7
}

func ExampleInstrument_Handler() {
	in := offline("shop")
	defer in.Shutdown(done())

	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		in.Logger().InfoContext(r.Context(), "order shown", "order_id", r.PathValue("id"))
	})
	handler := in.Handler(mux)

	res := httptest.NewRecorder()
	handler.ServeHTTP(res, httptest.NewRequest(http.MethodGet, "/nowhere", nil))
	fmt.Println(res.Code, len(res.Header().Get(instrument.HeaderCorrelationID)))
	// Output: 404 32
}

func ExampleInstrument_Transport() {
	in := offline("gateway")
	defer in.Shutdown(done())
	bank := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("bank is called for", r.Header.Get("x-correlation-id"))
	}))
	defer bank.Close()

	client := &http.Client{Transport: in.Transport(nil)}
	defer client.CloseIdleConnections()
	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, bank.URL, nil)
	res, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	res.Body.Close() // ends the client's span
	// Output: bank is called for Order-7
}

func ExampleInstrument_Send() {
	in := offline("shop")
	defer in.Shutdown(done())
	var producer sarama.SyncProducer = &fake{} // sarama.NewSyncProducer(brokers, config)

	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	message := &sarama.ProducerMessage{Topic: "shop.orders", Value: sarama.StringEncoder(`{"id":7}`)}
	partition, offset, err := in.Send(ctx, producer, message)
	fmt.Println(partition, offset, err)
	for _, h := range message.Headers {
		if string(h.Key) == "x-correlation-id" {
			fmt.Printf("%s: %s\n", h.Key, h.Value)
		}
	}
	// Output:
	// 1 0 <nil>
	// x-correlation-id: Order-7
}

func ExampleInstrument_Process() {
	in := offline("bank")
	defer in.Shutdown(done())
	message := &sarama.ConsumerMessage{Topic: "shop.orders", Headers: []*sarama.RecordHeader{
		{Key: []byte("x-correlation-id"), Value: []byte("Order-7")},
	}}

	err := in.Process(context.Background(), message, "bank", func(ctx context.Context) error {
		in.Logger().InfoContext(ctx, "debited", "amount", 100)
		fmt.Println("journey", instrument.CorrelationID(ctx))
		return nil
	})
	fmt.Println(err)
	// Output:
	// journey Order-7
	// <nil>
}

// The service that reaches the goal says so; any service may say that it is out of reach.
func ExampleDelivered() {
	in := offline("shipping")
	defer in.Shutdown(done())
	message := &sarama.ConsumerMessage{Topic: "shop.parcels"}

	in.Process(context.Background(), message, "shipping", func(ctx context.Context) error {
		instrument.Delivered(ctx)
		return nil
	})
}

func ExampleFailed() {
	in := offline("bank")
	defer in.Shutdown(done())
	message := &sarama.ConsumerMessage{Topic: "shop.orders"}
	errClosed := errors.New("account is closed")

	in.Process(context.Background(), message, "bank", func(ctx context.Context) error {
		instrument.Failed(ctx, errClosed)
		return nil // handled: trying again would not help
	})
}

// Health tells an operator whether records reach Kafka.
func ExampleInstrument_Health() {
	in := offline("bank")
	defer in.Shutdown(done())
	in.Logger().Info("waiting for Kafka")
	h := in.Health()
	fmt.Println(h.Last, h.Unsettled, h.Refused)
	// Output: 1 1 0
}
