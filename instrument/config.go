package instrument

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/IBM/sarama"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// DefaultBroker is the embedded broker's default address.
const DefaultBroker = "127.0.0.1:7692"

// Config describes one service instance. The zero value works where the
// environment names the service.
type Config struct {
	Service     string   // empty: OTEL_SERVICE_NAME, or service.name of OTEL_RESOURCE_ATTRIBUTES
	Version     string   // empty: service.version of OTEL_RESOURCE_ATTRIBUTES
	Environment string   // empty: deployment.environment.name of OTEL_RESOURCE_ATTRIBUTES
	Brokers     []string // empty: WAYBILL_KAFKA_BROKERS, else DefaultBroker
	Topic       string   // empty: record.TopicRecords
	Security    Security // each field empty: WAYBILL_KAFKA_TLS, _CA_FILE, _USER and so on, else plain text

	// Deliver is called instead of Kafka, for tests: with each record and each
	// ledger, from one goroutine, whatever OTEL_SDK_DISABLED and WAYBILL_DATA say. It
	// may keep neither slice. What it returns an error for comes again.
	Deliver func(topic string, key, value []byte) error

	Level   slog.Leveler // lowest level shipped; nil: WAYBILL_LOG_LEVEL, else info
	Console slog.Handler // where records are shown beside being shipped; nil: JSON lines on Output
	Output  io.Writer    // nil: os.Stderr; also gets the records that a full buffer refuses

	Redact Redaction // what is hidden before a record leaves the service; zero: the built-in rules

	// Data is the folder in which records wait for Kafka, so that they outlive a
	// killed process: the next start ships them. Several instances may share it.
	// Empty: WAYBILL_DATA, else records wait in memory.
	Data        string
	BufferBytes int           // bound on what waits for Kafka, at least 8 MiB; 0: 64 MiB in memory, 256 MiB in Data
	LedgerEvery time.Duration // 0: 10 s

	// TracerProvider is one's own; nil: Start makes one, with OpenTelemetry's
	// settings from the environment. It has to record every span, sampled or not,
	// and to have Instrument.SpanProcessor, or there are no hops; Health warns.
	// Start does not make it the process's default, nor does Shutdown stop it.
	//
	//	tp := sdktrace.NewTracerProvider(
	//		sdktrace.WithSampler(sdktrace.AlwaysRecord(sampler)),
	//		sdktrace.WithIDGenerator(instrument.IDGenerator()))
	//	in, err := instrument.Start(ctx, instrument.Config{TracerProvider: tp})
	//	tp.RegisterSpanProcessor(in.SpanProcessor())
	TracerProvider trace.TracerProvider

	// SpanProcessors see every span beside Waybill, the unsampled ones too, and
	// are shut down with it. A batch processor exports the sampled ones.
	SpanProcessors []sdktrace.SpanProcessor

	// Skew is by how much this instance's clock is off, for a demonstration of what a
	// wrong one does. It may be called from anywhere. nil: not at all.
	Skew func() time.Duration

	// Scoped leaves the process-wide defaults of slog and OpenTelemetry alone,
	// for several services in one process. Delivered and Failed then find the
	// instance only in a context that came through Echo, Handler or Process.
	Scoped bool

	disabled bool // OTEL_SDK_DISABLED
}

func (c Config) withEnv(getenv func(string) string) (Config, error) {
	c.disabled = strings.EqualFold(strings.TrimSpace(getenv("OTEL_SDK_DISABLED")), "true") && c.Deliver == nil
	attrs := resourceAttributes(getenv("OTEL_RESOURCE_ATTRIBUTES"))
	c.Service = first(c.Service, getenv("OTEL_SERVICE_NAME"), attrs["service.name"])
	c.Version = first(c.Version, attrs["service.version"])
	c.Environment = first(c.Environment, attrs["deployment.environment.name"], attrs["deployment.environment"])
	if len(c.Brokers) == 0 {
		for b := range strings.SplitSeq(first(getenv("WAYBILL_KAFKA_BROKERS"), DefaultBroker), ",") {
			c.Brokers = append(c.Brokers, strings.TrimSpace(b))
		}
	}
	c.Topic = first(c.Topic, record.TopicRecords)
	if c.Output == nil {
		c.Output = os.Stderr
	}
	if c.Level == nil {
		level, name := slog.LevelInfo, strings.TrimSpace(getenv("WAYBILL_LOG_LEVEL"))
		if name != "" && level.UnmarshalText([]byte(name)) != nil {
			return c, fmt.Errorf("WAYBILL_LOG_LEVEL is %q, want debug, info, warn or error", name)
		}
		c.Level = level
	}
	if c.Deliver == nil { // a test's instance leaves alone what services have in their folder
		c.Data = first(c.Data, getenv("WAYBILL_DATA"))
	}
	if c.BufferBytes == 0 {
		c.BufferBytes = 64 << 20
		if c.Data != "" {
			c.BufferBytes = 256 << 20
		}
	}
	if c.LedgerEvery == 0 {
		c.LedgerEvery = 10 * time.Second
	}
	if c.disabled { // nothing that could be wrong is used
		return c, nil
	}
	var err error
	if c.Security, err = c.Security.withEnv(getenv); err != nil {
		return c, err
	}
	return c, c.validate()
}

// maxNames keeps what is in every record from filling it.
const maxNames = 1024

func (c Config) validate() error {
	if c.Service == "" {
		return errors.New("the service has no name: set Config.Service or OTEL_SERVICE_NAME")
	}
	if n := len(c.Service) + len(c.Version) + len(c.Environment); n > maxNames {
		return fmt.Errorf("service, version and environment have %d bytes, want at most %d: they are in every record", n, maxNames)
	}
	if c.BufferBytes < minSegments*segmentBytes {
		return fmt.Errorf("BufferBytes is %d, want at least %d", c.BufferBytes, minSegments*segmentBytes)
	}
	if c.LedgerEvery < 0 {
		return fmt.Errorf("LedgerEvery is %v, want more than 0", c.LedgerEvery)
	}
	for _, b := range c.Brokers {
		if !strings.Contains(b, ":") {
			return fmt.Errorf("Kafka broker %q has no port: want host:port", b)
		}
	}
	if c.TracerProvider != nil && len(c.SpanProcessors) > 0 {
		return errors.New("SpanProcessors are for the provider that Start makes: register them with your own TracerProvider")
	}
	return c.Security.Configure(sarama.NewConfig())
}

// resourceAttributes reads OTEL_RESOURCE_ATTRIBUTES: key=value pairs, percent-encoded
// (OpenTelemetry specification, Resource SDK). What is malformed is left out.
func resourceAttributes(text string) map[string]string {
	attrs := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if ok && err == nil {
			attrs[strings.TrimSpace(key)] = value
		}
	}
	return attrs
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
