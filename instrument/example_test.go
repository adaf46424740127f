package instrument_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/IBM/sarama"
	"github.com/labstack/echo/v4"
	slogmulti "github.com/samber/slog-multi"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// A service names itself once; all else is slog and OpenTelemetry as ever.
func ExampleStart() {
	ctx := context.Background()
	in, err := instrument.Start(ctx, instrument.Config{
		Service: "bank", Version: "1.2",
		Deliver: func(string, []byte, []byte) error { return nil }, // without: Kafka at WAYBILL_KAFKA_BROKERS
		Console: plain(),                                           // without: JSON lines on stderr
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}

	slog.InfoContext(ctx, "account opened", "owner", "Ada")
	ctx, span := otel.Tracer("bank").Start(ctx, "nightly interest")
	slog.WarnContext(ctx, "interest paid", "accounts", 3)
	fmt.Println(instrument.CorrelationID(ctx) == span.SpanContext().TraceID().String())
	span.End()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // Kafka may be away
	defer cancel()
	fmt.Println(in.Shutdown(ctx), in.Health().Last)
	// Output:
	// level=INFO msg="account opened" owner=Ada
	// level=WARN msg="interest paid" accounts=3
	// true
	// <nil> 4
}

// plain shows on stdout what does not differ from run to run.
func plain() slog.Handler {
	return slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "correlation.id" {
			return slog.Attr{}
		}
		return a
	}})
}

// shown is an instrument for examples whose records are on stdout.
func shown(service string, redaction instrument.Redaction) *instrument.Instrument {
	in, err := instrument.Start(context.Background(), instrument.Config{
		Service: service, Brokers: []string{"127.0.0.1:1"}, Console: plain(), Redact: redaction, Scoped: true,
	})
	if err != nil {
		panic(err)
	}
	return in
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

// order is a message of journey Order-id, as its consumer gets it.
func order(id string) *sarama.ConsumerMessage {
	return &sarama.ConsumerMessage{Topic: "shop.orders", Value: []byte(id), Headers: []*sarama.RecordHeader{
		{Key: []byte("x-correlation-id"), Value: []byte("Order-" + id)},
	}}
}

func ExampleInstrument_SendAll() {
	in := offline("shop")
	defer in.Shutdown(done())
	var producer sarama.SyncProducer = &fake{} // sarama.NewSyncProducer(brokers, config)

	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	messages := []*sarama.ProducerMessage{{Topic: "shop.orders"}, {Topic: "shop.invoices"}}
	fmt.Println(in.SendAll(ctx, producer, messages))
	// Output: <nil>
}

// Messages are handed over without waiting, and settle on the producer's channels.
func ExampleInstrument_AsyncProducer() {
	in := offline("shop")
	defer in.Shutdown(done())
	cfg := sarama.NewConfig()
	cfg.Producer.Return.Successes = true
	producer := in.AsyncProducer(cfg, answering(cfg)) // sarama.NewAsyncProducer(brokers, cfg)
	defer producer.Close()

	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	message := &sarama.ProducerMessage{Topic: "shop.orders", Value: sarama.StringEncoder(`{"id":7}`), Metadata: "row 12 of the outbox"}
	if err := producer.Send(ctx, message); err != nil {
		fmt.Println(err)
		return
	}
	select {
	case m := <-producer.Successes():
		fmt.Println("sent:", m.Metadata)
	case f := <-producer.Errors():
		fmt.Println("not sent:", f.Msg.Metadata, f.Err)
	}
	// Output: sent: row 12 of the outbox
}

// A message that cannot be handled is tried three times, and then set aside.
func ExampleInstrument_ConsumerGroupHandler() {
	in := offline("bank")
	defer in.Shutdown(done())

	debit := func(ctx context.Context, m *sarama.ConsumerMessage) error {
		fmt.Println("debit", instrument.CorrelationID(ctx))
		if string(m.Value) == "8" {
			return errors.New("account is closed")
		}
		return nil
	}
	setAside := func(ctx context.Context, _ *sarama.ConsumerMessage, err error) error {
		fmt.Println("set aside", instrument.CorrelationID(ctx)+":", err)
		return nil // or in.Send it to a dead letter topic
	}
	handler := in.ConsumerGroupHandler("bank", debit,
		instrument.RetryInPlace(time.Millisecond, time.Second), instrument.SkipAfter(3, setAside))

	// for ctx.Err() == nil { err = group.Consume(ctx, []string{"shop.orders"}, handler) }
	fmt.Println(handler.ConsumeClaim(&session{ctx: context.Background()}, newClaim(order("7"), order("8"))))
	// Output:
	// debit Order-7
	// debit Order-8
	// debit Order-8
	// debit Order-8
	// set aside Order-8: account is closed
	// <nil>
}

func ExampleInstrument_Consume() {
	in := offline("bank")
	defer in.Shutdown(done())
	var partition sarama.PartitionConsumer = newClaim(order("7")) // consumer.ConsumePartition("shop.orders", 0, offset)

	err := in.Consume(context.Background(), partition, func(ctx context.Context, m *sarama.ConsumerMessage) error {
		fmt.Println("journey", instrument.CorrelationID(ctx))
		return nil
	})
	fmt.Println(err)
	// Output:
	// journey Order-7
	// <nil>
}

// A batch has messages of many journeys; each of them is a hop.
func ExampleInstrument_ProcessAll() {
	in := offline("bank")
	defer in.Shutdown(done())

	batch := []*sarama.ConsumerMessage{order("7"), order("8")}
	err := in.ProcessAll(context.Background(), batch, "bank", func(_ context.Context, all []instrument.Received) error {
		for _, r := range all {
			in.Logger().InfoContext(r.Context, "debited")
			fmt.Println("journey", instrument.CorrelationID(r.Context))
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// journey Order-7
	// journey Order-8
	// <nil>
}

// What comes of several journeys names them all as its causes.
func ExampleInstrument_Links() {
	in := offline("billing")
	defer in.Shutdown(done())

	in.ProcessAll(context.Background(), []*sarama.ConsumerMessage{order("7"), order("8")}, "billing", func(ctx context.Context, all []instrument.Received) error {
		var causes []context.Context
		for _, r := range all {
			causes = append(causes, r.Context)
		}
		links := in.Links(causes...)
		_, span := in.TracerProvider().Tracer("billing").Start(ctx, "invoice", trace.WithLinks(links...))
		defer span.End()
		for _, link := range links {
			fmt.Println(link.Attributes[0].Value.AsString())
		}
		return nil
	})
	// Output:
	// Order-7
	// Order-8
}

// At the edge that strangers call, their IDs are not adopted.
func ExampleUntrusted() {
	in := offline("gateway")
	defer in.Shutdown(done())
	handler := in.Handler(http.NotFoundHandler(), instrument.Untrusted())

	req := httptest.NewRequest(http.MethodGet, "/orders/7", nil)
	req.Header.Set("x-correlation-id", "mine")
	res := httptest.NewRecorder()
	handler.ServeHTTP(res, req)
	id := res.Header().Get(instrument.HeaderCorrelationID)
	fmt.Println(id == "mine", len(id))
	// Output: false 32
}

// Security sets up any client of Kafka; Start reads the same from WAYBILL_KAFKA_TLS and so on.
func ExampleSecurity_Configure() {
	cfg := sarama.NewConfig()
	security := instrument.Security{TLS: true, Mechanism: instrument.SASLScramSHA512, User: "bank", Password: "pencil"}
	fmt.Println(security.Configure(cfg), cfg.Net.SASL.Mechanism)
	security.Password = ""
	fmt.Println(security.Configure(cfg))
	// Output:
	// <nil> SCRAM-SHA-512
	// Kafka's user "bank" has no password: set Security.Password, WAYBILL_KAFKA_PASSWORD or WAYBILL_KAFKA_PASSWORD_FILE
}

// A service with a TracerProvider of its own lets it record every span, and
// gives it Waybill's processor.
func ExampleInstrument_SpanProcessor() {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysRecord(sdktrace.TraceIDRatioBased(0.01))),
		sdktrace.WithIDGenerator(instrument.IDGenerator()),
	)
	in, err := instrument.Start(context.Background(), instrument.Config{
		Service: "bank", Brokers: []string{"127.0.0.1:1"}, Console: slog.DiscardHandler, Scoped: true, TracerProvider: provider,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer in.Shutdown(done())
	provider.RegisterSpanProcessor(in.SpanProcessor())

	_, span := provider.Tracer("bank").Start(context.Background(), "nightly interest")
	span.End()
	fmt.Println(in.Health().Last, in.Health().Warnings)
	// Output: 2 []
}

// The service that reaches the goal says so; any service may say that it is out of reach.
func ExampleDelivered() {
	in := shown("shipping", instrument.Redaction{})
	defer in.Shutdown(done())

	in.Process(context.Background(), order("7"), "shipping", func(ctx context.Context) error {
		instrument.Delivered(ctx)
		return nil
	})
	// Output: level=INFO msg=delivered waybill.outcome=delivered
}

func ExampleFailed() {
	in := shown("bank", instrument.Redaction{})
	defer in.Shutdown(done())
	errClosed := errors.New("account is closed")

	err := in.Process(context.Background(), order("7"), "bank", func(ctx context.Context) error {
		instrument.Failed(ctx, errClosed)
		return nil // handled: trying again would not help
	})
	fmt.Println(err)
	// Output:
	// level=ERROR msg=failed error="account is closed" waybill.outcome=failed
	// <nil>
}

// What was done is undone: the customer has the money back.
func ExampleReturned() {
	in := shown("bank", instrument.Redaction{})
	defer in.Shutdown(done())

	in.Process(context.Background(), order("7"), "bank", func(ctx context.Context) error {
		instrument.Returned(ctx, "out of stock")
		return nil
	})
	// Output: level=WARN msg=returned reason="out of stock" waybill.outcome=returned
}

// A journey that the bank does not take on within a minute is stalled there.
func ExampleExpect() {
	in := shown("gateway", instrument.Redaction{})
	defer in.Shutdown(done())

	in.Process(context.Background(), order("7"), "gateway", func(ctx context.Context) error {
		instrument.Expect(ctx, "bank", time.Minute)
		return nil
	})
	// Output: level=INFO msg="expect bank" within=1m0s waybill.expect=bank
}

// Whoever has only the order's number finds the journey by it.
func ExampleAlias() {
	in := shown("bank", instrument.Redaction{})
	defer in.Shutdown(done())

	in.Process(context.Background(), order("7"), "bank", func(ctx context.Context) error {
		instrument.Alias(ctx, "order", "A-1001")
		return nil
	})
	// Output: level=INFO msg="alias order" waybill.alias=A-1001
}

// What is written in ctx, outcomes too, is of one step of a saga.
func ExampleSaga() {
	in := shown("bank", instrument.Redaction{})
	defer in.Shutdown(done())

	in.Process(context.Background(), order("7"), "bank", func(ctx context.Context) error {
		ctx = instrument.Saga(ctx, "purchase-7", "debit", record.Compensate)
		in.Logger().InfoContext(ctx, "credited again", "dollars", 100)
		instrument.Returned(ctx, "out of stock")
		return nil
	})
	// Output:
	// level=INFO msg="credited again" dollars=100
	// level=WARN msg=returned reason="out of stock" waybill.outcome=returned
}

// A Secret is shown by no log call, whatever it is called there.
func ExampleSecret() {
	in := shown("bank", instrument.Redaction{})
	defer in.Shutdown(done())

	key := instrument.Secret("pencil")
	in.Logger().Info("connected", "with", key)
	fmt.Println(key, len(key.Reveal()))
	// Output:
	// level=INFO msg=connected with=[redacted]
	// [redacted] 6
}

// Passwords, tokens and card numbers are hidden anyway; a service adds its own.
func ExampleRedaction() {
	in := shown("bank", instrument.Redaction{
		Keys:     []string{"iban"},
		Patterns: []*regexp.Regexp{regexp.MustCompile(`ACC-\d+`)},
	})
	defer in.Shutdown(done())

	in.Logger().Info("transfer from ACC-100", "password", "pencil", "customer.iban", "DE02", "card", "4111 1111 1111 1111", "dollars", 100)
	// Output: level=INFO msg="transfer from [redacted]" password=[redacted] customer.iban=[redacted] card=[redacted] dollars=100
}

// A composition of one's own ships beside whatever else it does.
func ExampleInstrument_ShippingHandler() {
	in := offline("bank")
	defer in.Shutdown(done())

	logger := slog.New(slogmulti.Fanout(plain(), in.ShippingHandler()))
	logger.Info("account opened", "owner", "Ada")
	fmt.Println(in.Health().Last)
	// Output:
	// level=INFO msg="account opened" owner=Ada
	// 1
}

// The propagator carries the journey over what Waybill has no wrapper for.
func ExampleInstrument_Propagator() {
	in := offline("shop")
	defer in.Shutdown(done())

	ctx, _ := instrument.WithCorrelationID(context.Background(), "Order-7")
	row := propagation.MapCarrier{} // a column of an outbox
	in.Propagator().Inject(ctx, row)
	fmt.Println(row)
	fmt.Println(instrument.CorrelationID(in.Propagator().Extract(context.Background(), row)))
	// Output:
	// map[baggage:correlation.id=Order-7 x-correlation-id:Order-7]
	// Order-7
}

// Shutdown that cannot reach Kafka keeps to its deadline, and says what is left.
func ExampleInstrument_Shutdown() {
	in := offline("bank")
	in.Logger().Info("nobody will read this")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	err := in.Shutdown(ctx)
	fmt.Println(strings.Cut(err.Error(), ": "))
	// Output: 1 records did not reach Kafka at 127.0.0.1:1 context deadline exceeded true
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
