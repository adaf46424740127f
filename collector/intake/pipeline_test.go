package intake_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/collector/intake"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/api"
	"github.com/waybill-log/waybill/store/embedded"
)

// pipeline is everything from the ways in to the API, on the embedded broker and store.
type pipeline struct {
	t      *testing.T
	dir    string
	kafka  string
	broker *broker.Broker
	store  *embedded.Store
	http   string // base URL of OTLP/HTTP
	lines  string // URL of NDJSON
	grpc   string // address
	api    http.Handler
}

func answering(t *testing.T, st *embedded.Store) http.Handler {
	t.Helper()
	h, err := api.New(api.Config{Desk: query.New(query.Config{Store: st})})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func start(t *testing.T, cfg intake.Config) *pipeline {
	t.Helper()
	p := &pipeline{t: t, dir: t.TempDir(), kafka: "127.0.0.1:0"}
	p.openBroker()
	t.Cleanup(func() { p.broker.Close() })
	var err error
	if p.store, err = embedded.Open(embedded.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.store.Close() })
	p.api = answering(t, p.store)

	c, err := collector.New(collector.Config{Brokers: []string{p.kafka}, Store: p.store})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended; c.Close() })

	cfg.Brokers = []string{p.kafka}
	in, err := intake.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	mux := http.NewServeMux()
	mux.Handle("/v1/", in.OTLP())
	mux.Handle("/api/", in.Records())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.http, p.lines = server.URL, server.URL+"/api/v1/records"

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rpc := in.GRPC()
	go rpc.Serve(ln)
	t.Cleanup(rpc.GracefulStop)
	p.grpc = ln.Addr().String()
	return p
}

// openBroker starts Kafka, or starts it again where it was.
func (p *pipeline) openBroker() {
	p.t.Helper()
	b, err := broker.Open(broker.Config{Dir: p.dir, Addr: p.kafka})
	if err != nil {
		p.t.Fatal(err)
	}
	p.broker, p.kafka = b, b.Addr()
}

// journey waits until the API knows a journey of that many records, and for good.
func (p *pipeline) journey(id string, records int) journey.Journey {
	p.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		w := httptest.NewRecorder()
		p.api.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/api/v1/journeys/"+id, nil))
		var j journey.Journey
		if w.Code == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil {
				p.t.Fatal(err)
			}
		}
		if len(j.Records) >= records || time.Now().After(deadline) {
			if len(j.Records) != records {
				p.t.Fatalf("%s has %d records, want %d: %s", id, len(j.Records), records, w.Body)
			}
			return j
		}
	}
}

func (p *pipeline) client() *grpc.ClientConn {
	p.t.Helper()
	conn, err := grpc.NewClient(p.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	return conn
}

// foreign is a service with nothing but the OpenTelemetry SDK.
type foreign struct {
	tracer trace.Tracer
	log    *slog.Logger
	flush  func()
}

var w3c = propagation.TraceContext{}

func (p *pipeline) foreign(service string, overGRPC bool) foreign {
	p.t.Helper()
	ctx := p.t.Context()
	var spans sdktrace.SpanExporter
	var records sdklog.Exporter
	var err, err2 error
	if overGRPC {
		spans, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(p.grpc), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"))
		records, err2 = otlploggrpc.New(ctx, otlploggrpc.WithEndpoint(p.grpc), otlploggrpc.WithInsecure())
	} else {
		spans, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(p.http+"/v1/traces"), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		records, err2 = otlploghttp.New(ctx, otlploghttp.WithEndpointURL(p.http+"/v1/logs"))
	}
	if err != nil || err2 != nil {
		p.t.Fatal(err, err2)
	}
	res := resource.NewSchemaless(attribute.String("service.name", service), attribute.String("service.instance.id", service+"-1"))
	tp := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans), sdktrace.WithResource(res))
	lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(records)), sdklog.WithResource(res))
	return foreign{tp.Tracer("test"), otelslog.NewLogger("test", otelslog.WithLoggerProvider(lp)), func() {
		for _, flush := range []func(context.Context) error{tp.ForceFlush, lp.ForceFlush, tp.Shutdown, lp.Shutdown} {
			if err := flush(context.Background()); err != nil {
				p.t.Errorf("%s: %v", service, err)
			}
		}
	}}
}

// handle answers requests in a span of the service.
func (f foreign) handle(name string, do func(ctx context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := f.tracer.Start(w3c.Extract(r.Context(), propagation.HeaderCarrier(r.Header)), name, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		if err := do(ctx); err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, err.Error())
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
}

func call(ctx context.Context, client *http.Client, url string, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return err
	}
	for name := range header {
		req.Header.Set(name, header.Get(name))
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// Two foreign services, of which one calls an instrumented one, which calls the
// other: only the middle one knows the correlation ID.
func TestForeignServicesAreOnOneJourneyWithInstrumentedOnes(t *testing.T) {
	p := start(t, intake.Config{})
	front, ledger := p.foreign("front", false), p.foreign("ledger", true)

	atLedger := httptest.NewServer(ledger.handle("POST /entries", func(ctx context.Context) error {
		ctx, span := ledger.tracer.Start(ctx, "validate")
		defer span.End()
		ledger.log.InfoContext(ctx, "booked", "amount", 100)
		return nil
	}))
	defer atLedger.Close()

	bank, err := instrument.Start(t.Context(), instrument.Config{Service: "bank", Brokers: []string{p.kafka}, Scoped: true, Console: slog.DiscardHandler})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: bank.Transport(nil)}
	atBank := httptest.NewServer(bank.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bank.Logger().InfoContext(r.Context(), "paying")
		if err := call(r.Context(), client, atLedger.URL+"/entries", nil); err != nil {
			t.Error(err)
		}
	})))
	defer atBank.Close()

	var traceID string
	atFront := httptest.NewServer(front.handle("POST /checkout", func(ctx context.Context) error {
		traceID = trace.SpanContextFromContext(ctx).TraceID().String()
		front.log.InfoContext(ctx, "checking out")
		ctx, span := front.tracer.Start(ctx, "POST", trace.WithSpanKind(trace.SpanKindClient))
		defer span.End()
		header := http.Header{"X-Correlation-Id": {"Order-7"}}
		w3c.Inject(ctx, propagation.HeaderCarrier(header))
		return call(ctx, http.DefaultClient, atBank.URL+"/payments", header)
	}))
	defer atFront.Close()
	if err := call(t.Context(), http.DefaultClient, atFront.URL, nil); err != nil {
		t.Fatal(err)
	}
	front.flush()
	ledger.flush()
	if err := bank.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}

	// bank: start and end of two spans, one log record. front: two spans and a log record; ledger too.
	for _, id := range []string{"Order-7", traceID} {
		j := p.journey(id, 15)
		var hops, legs []string
		names := map[string]string{"": ""}
		for _, h := range j.Hops {
			names[h.ID] = h.Service
			hops = append(hops, fmt.Sprintf("%s %s after %q: %s, %d records", h.Service, h.Name, names[h.Parent], h.Outcome, h.Records))
		}
		for _, l := range j.Legs {
			legs = append(legs, names[l.From]+" "+l.Transport+" "+names[l.To])
		}
		want := []string{
			`front POST /checkout after "": success, 5 records`,
			`bank POST /payments after "front": success, 5 records`,
			`ledger POST /entries after "bank": success, 5 records`,
		}
		if !slices.Equal(hops, want) {
			t.Errorf("%s: hops\n got %s\nwant %s", id, strings.Join(hops, "\n     "), strings.Join(want, "\n     "))
		}
		if want := []string{"front http bank", "bank http ledger"}; !slices.Equal(legs, want) {
			t.Errorf("%s: legs %q, want %q", id, legs, want)
		}
		if j.CorrelationID != "Order-7" || j.Completeness != journey.Unproved || j.Verdict != journey.Unconfirmed || len(j.Stations) != 3 {
			t.Errorf("%s: %s is %s (%s), %s, %d stations", id, j.CorrelationID, j.Verdict, j.Reason, j.Completeness, len(j.Stations))
		}
	}
}

// Nothing is acknowledged while Kafka is away, and what is sent again is stored once.
func TestARequestSentAgainAfterAnOutageIsStoredOnce(t *testing.T) {
	p := start(t, intake.Config{ShipTimeout: 300 * time.Millisecond})
	text := func(s string) *common.AnyValue {
		return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
	}
	l := &logs.LogRecord{TimeUnixNano: uint64(time.Now().UnixNano()), Body: text("m"), Attributes: []*common.KeyValue{{Key: "correlation.id", Value: text("Order-8")}}}
	request := &collogs.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{ScopeLogs: []*logs.ScopeLogs{{LogRecords: []*logs.LogRecord{l, l, l}}}}}}
	lines := strings.Repeat(`{"ts":1700000000,"msg":"line","correlation_id":"Order-8"}`+"\n", 4)
	client := collogs.NewLogsServiceClient(p.client())

	send := func() (int, error) {
		t.Helper()
		res, err := http.Post(p.lines, "application/x-ndjson", strings.NewReader(lines))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		_, err = client.Export(t.Context(), request)
		return res.StatusCode, err
	}
	p.broker.Close()
	code, err := send()
	retry := slices.ContainsFunc(status.Convert(err).Details(), func(d any) bool {
		info, ok := d.(*errdetails.RetryInfo)
		return ok && info.GetRetryDelay().AsDuration() > 0
	})
	if code != http.StatusServiceUnavailable || status.Code(err) != grpccodes.Unavailable || !retry {
		t.Errorf("while Kafka is away: %d, %v, told when to retry: %v", code, err, retry)
	}
	p.openBroker()
	for deadline := time.Now().Add(30 * time.Second); ; {
		if code, err = send(); code == http.StatusOK && err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after Kafka has come back: %d, %v", code, err)
		}
	}
	if code, err = send(); code != http.StatusOK || err != nil { // the acknowledgement was lost, say
		t.Errorf("sent again: %d, %v", code, err)
	}
	p.journey("Order-8", 7)
	if n, err := p.store.Count(t.Context()); n != 7 || err != nil {
		t.Errorf("%d records are stored, %v", n, err)
	}
}

func TestGRPCKeepsItsBounds(t *testing.T) {
	p := start(t, intake.Config{MaxBytes: 1 << 20, Token: "secret"})
	conn := p.client()
	large := &collogs.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{SchemaUrl: strings.Repeat("x", 64<<20)}}}
	f := func(code grpccodes.Code, token string, req *collogs.ExportLogsServiceRequest, options ...grpc.CallOption) {
		t.Helper()
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", token)
		if _, err := collogs.NewLogsServiceClient(conn).Export(ctx, req, options...); status.Code(err) != code {
			t.Errorf("got %v, want %v", err, code)
		}
	}
	f(grpccodes.OK, "Bearer secret", &collogs.ExportLogsServiceRequest{})
	f(grpccodes.OK, "bearer secret", &collogs.ExportLogsServiceRequest{}, grpc.UseCompressor(gzip.Name))
	f(grpccodes.Unauthenticated, "Bearer wrong", &collogs.ExportLogsServiceRequest{})
	f(grpccodes.ResourceExhausted, "Bearer secret", large, grpc.UseCompressor(gzip.Name)) // a thousandth on the wire
	deep := &common.AnyValue{}
	for range 2000 {
		deep = &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: []*common.AnyValue{deep}}}}
	}
	f(grpccodes.InvalidArgument, "Bearer secret", &collogs.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{ScopeLogs: []*logs.ScopeLogs{{LogRecords: []*logs.LogRecord{{Body: deep}}}}}}})
	if _, err := coltrace.NewTraceServiceClient(conn).Export(t.Context(), &coltrace.ExportTraceServiceRequest{}); status.Code(err) != grpccodes.Unauthenticated {
		t.Errorf("without a token: %v", err)
	}
}
