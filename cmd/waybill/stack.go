package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/collector/intake"
	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/elastic"
	"github.com/waybill-log/waybill/store/embedded"
)

// stopWithin bounds an orderly stop.
const stopWithin = 10 * time.Second

// stack is the running parts of this process. They stop in the opposite order
// of their start: claims, batches in flight, group, store, broker.
//
//	broker ◄─ services, intake ◄─ OTLP, NDJSON
//	  └► collector ─► store ◄─ query ◄─ page, track
//	                            └─ horizon ─► broker
type stack struct {
	cfg     config
	console slog.Handler // what parts without records of their own have to say
	brokers []string
	store   store.Store
	gather  *evidence.Gatherer // what verdicts rest on, for all parts
	url     string             // of the query API

	alerting      alerting             // what is known of alerts
	alertsMetrics *prometheus.Registry // empty: no rules are evaluated here

	stops  []stopper
	failed chan error // a part has ended by itself
}

type stopper struct {
	name string
	stop func(context.Context) error
}

func newStack(cfg config, console slog.Handler) *stack {
	return &stack{cfg: cfg, console: console, brokers: cfg.KafkaBrokers, alertsMetrics: prometheus.NewRegistry(), failed: make(chan error, 4)}
}

func (s *stack) onStop(name string, stop func(context.Context) error) {
	s.stops = append(s.stops, stopper{name, stop})
}

// stop ends all parts within stopWithin.
func (s *stack) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	var errs []error
	for i := len(s.stops) - 1; i >= 0; i-- {
		if err := s.stops[i].stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.stops[i].name, err))
		}
	}
	s.stops = nil
	return errors.Join(errs...)
}

// wait returns when ctx ends, or with the error of a part that has ended by itself.
func (s *stack) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// openBroker starts the embedded broker where no real one is set.
func (s *stack) openBroker() error {
	if len(s.brokers) > 0 {
		return nil
	}
	b, err := broker.Open(broker.Config{Dir: filepath.Join(s.cfg.Data, "broker"), Addr: s.cfg.KafkaAddr})
	if err != nil {
		return err
	}
	s.onStop("embedded broker", func(context.Context) error { return b.Close() })
	s.brokers = []string{b.Addr()}
	return nil
}

// elasticsearch is where it is, and as whom it is asked.
func (c *config) elasticsearch() elastic.Config {
	return elastic.Config{URLs: c.ElasticsearchURLs, User: c.ESUser, Password: c.ESPassword, APIKey: c.ESAPIKey, CAFile: c.ESCAFile}
}

// openStore opens Elasticsearch, or the embedded store where none is set.
func (s *stack) openStore(ctx context.Context) (err error) {
	if len(s.cfg.ElasticsearchURLs) > 0 {
		es := s.cfg.elasticsearch()
		es.Logger = slog.New(s.console)
		s.store, err = elastic.Open(ctx, es)
	} else {
		s.store, err = embedded.Open(embedded.Config{Dir: s.cfg.storeDir(), MaxBytes: s.cfg.storeBytes, Logger: slog.New(s.console)})
	}
	if err != nil {
		return err
	}
	s.onStop("store", func(context.Context) error { return s.store.Close() })
	return nil
}

// observe lets a part of the stack write its own records, on a topic that no
// collector reads.
func (s *stack) observe(ctx context.Context, service string, console slog.Handler) (*instrument.Instrument, error) {
	in, err := instrument.Start(ctx, instrument.Config{
		Service: service, Brokers: s.brokers, Security: s.cfg.kafkaSecurity(), Topic: record.TopicSelf, Console: console, Data: s.cfg.Data, BufferBytes: 8 << 20, Scoped: true,
	})
	if err != nil {
		return nil, err
	}
	s.onStop(service+"'s own records", in.Shutdown)
	return in, nil
}

// startCollector reads records into the store, and takes in those of others.
func (s *stack) startCollector(ctx context.Context, console slog.Handler) error {
	for _, open := range [...]struct{ name, addr string }{
		{"collector", s.cfg.CollectorAddr}, {"otlp-http", s.cfg.OTLPHTTPAddr}, {"otlp-grpc", s.cfg.OTLPGRPCAddr},
	} {
		if err := s.checkToken(open.name, open.addr); err != nil {
			return err
		}
	}
	in, err := s.observe(ctx, "waybill-collector", console)
	if err != nil {
		return err
	}
	var ways ways
	if err := ways.listen(s.cfg); err != nil {
		return errors.Join(err, ways.close())
	}
	if err := s.startEvidence(ctx, in.Logger()); err != nil {
		return errors.Join(err, ways.close())
	}
	c, err := collector.New(collector.Config{
		Evidence: s.gather, Brokers: s.brokers, Security: s.cfg.kafkaSecurity(), Group: s.cfg.KafkaGroup, Partitions: s.cfg.KafkaPartitions,
		Store: s.store, Retention: s.cfg.retention, Logger: in.Logger(),
	})
	if err != nil {
		return errors.Join(err, ways.close())
	}
	s.onStop("collector", func(context.Context) error { return c.Close() })
	taking, err := intake.New(intake.Config{Brokers: s.brokers, Security: s.cfg.kafkaSecurity(), Token: s.cfg.Token, Logger: in.Logger()})
	if err != nil {
		return errors.Join(err, ways.close())
	}
	s.onStop("intake", func(context.Context) error { return taking.Close() })
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- c.Run(running) }()
	s.onStop("collecting", func(context.Context) error { cancel(); return <-ended })

	admin := http.NewServeMux()
	admin.Handle("/", c.Handler())
	admin.Handle("GET /metrics", promhttp.HandlerFor(prometheus.Gatherers{c.Gatherer(), s.alertsMetrics}, promhttp.HandlerOpts{}))
	admin.Handle("/api/v1/records", taking.Records())
	s.serveHTTP("collector's admin", ways.admin, admin)
	attrs := []any{"brokers", s.brokers, "admin", "http://" + ways.admin.Addr().String()}
	if ln := ways.otlpHTTP; ln != nil {
		s.serveHTTP("OTLP over HTTP", ln, taking.OTLP())
		attrs = append(attrs, "otlp_http", "http://"+ln.Addr().String())
	}
	if ln := ways.otlpGRPC; ln != nil {
		s.serveGRPC(ln, taking.GRPC())
		attrs = append(attrs, "otlp_grpc", "http://"+ln.Addr().String())
	}
	in.Logger().Info("collector is running", attrs...)
	return nil
}

// ways are the collector's listeners; OTLP's may be nil.
type ways struct{ admin, otlpHTTP, otlpGRPC net.Listener }

func (w *ways) listen(cfg config) (err error) {
	if w.admin, err = listen("collector", cfg.CollectorAddr); err != nil {
		return err
	}
	if cfg.OTLPHTTPAddr != "" {
		if w.otlpHTTP, err = listen("otlp-http", cfg.OTLPHTTPAddr); err != nil {
			return err
		}
	}
	if cfg.OTLPGRPCAddr != "" {
		w.otlpGRPC, err = listen("otlp-grpc", cfg.OTLPGRPCAddr)
	}
	return err
}

func (w *ways) close() error {
	var errs []error
	for _, ln := range [...]net.Listener{w.admin, w.otlpHTTP, w.otlpGRPC} {
		if ln != nil {
			errs = append(errs, ln.Close())
		}
	}
	return errors.Join(errs...)
}

// startEvidence gathers what verdicts rest on, unless a part that was started before does.
func (s *stack) startEvidence(ctx context.Context, log *slog.Logger) error {
	if s.gather != nil {
		return nil
	}
	client, err := collector.Connect(s.brokers, s.cfg.kafkaSecurity())
	if err != nil {
		return err
	}
	s.onStop("horizon", func(context.Context) error { return client.Close() })
	s.gather, err = evidence.NewGatherer(client, evidence.Config{Group: s.cfg.KafkaGroup, Topic: record.TopicRecords, Routes: s.cfg.routes, Logger: log})
	if err != nil {
		return err
	}
	if _, err := s.gather.AsOf(); err != nil { // from now on there is a horizon, unless the collectors lag already
		log.Warn("the horizon is not known", "error", err)
	}
	s.goOn(ctx, "evidence", s.gather.Follow)
	return nil
}

// goOn runs parts that end when they are told to.
func (s *stack) goOn(ctx context.Context, name string, runs ...func(context.Context)) {
	ctx, enough := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, run := range runs {
		running.Go(func() { run(ctx) })
	}
	s.onStop(name, func(context.Context) error {
		enough()
		running.Wait()
		return nil
	})
}

// checkToken demands a token where others than this machine can reach an
// address. An empty one is not listened on.
func (s *stack) checkToken(name, addr string) error {
	if addr == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return usage(fmt.Errorf("--%s-addr %q: want host:port", name, addr))
	}
	ip := net.ParseIP(host)
	if s.cfg.Token == "" && (name != "query" || s.cfg.TokensFile == "") && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usage(fmt.Errorf("--%s-addr %s is open to other machines: set a token with --token-file or %s", name, addr, envName("token")))
	}
	return nil
}

// maxHeader has room for the longest query, each of whose characters may take twelve bytes in a URL.
const maxHeader = 128 << 10

func (s *stack) serveHTTP(name string, ln net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader}
	go func() {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("%s: %w", name, err)
		}
	}()
	s.onStop(name, server.Shutdown)
}

// serveGRPC stops in order: what was received is answered, as long as there is time.
func (s *stack) serveGRPC(ln net.Listener, server *grpc.Server) {
	go func() {
		if err := server.Serve(ln); err != nil {
			s.failed <- fmt.Errorf("OTLP over gRPC: %w", err)
		}
	}()
	s.onStop("OTLP over gRPC", func(ctx context.Context) error {
		defer context.AfterFunc(ctx, server.Stop)()
		server.GracefulStop()
		return nil
	})
}

// listen binds early, and says what to do where the address is taken.
func listen(name, addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: address %s is taken; stop what listens there or choose another with --%s-addr", name, addr, name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return ln, nil
}
