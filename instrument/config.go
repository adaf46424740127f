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

	// Producer is used instead of one made for Brokers. It must wait for all
	// replicas and return successes and errors; Shutdown closes it.
	Producer sarama.AsyncProducer

	Level   slog.Leveler // lowest level shipped; nil: info
	Console slog.Handler // where records are shown beside being shipped; nil: JSON lines on Output
	Output  io.Writer    // nil: os.Stderr; also gets the records that a full buffer refuses

	Redact Redaction // what is hidden before a record leaves the service; zero: the built-in rules

	// Data is the folder in which records wait for Kafka, so that they outlive a
	// killed process: the next start ships them. Several instances may share it.
	// Empty: WAYBILL_DATA, else records wait in memory.
	Data        string
	BufferBytes int           // bound on what waits for Kafka, at least 8 MiB; 0: 64 MiB in memory, 256 MiB in Data
	LedgerEvery time.Duration // 0: 10 s

	// Scoped leaves the process-wide defaults of slog and OpenTelemetry alone,
	// for several services in one process. Delivered and Failed then find the
	// instance only in a context that came through Echo, Handler or Process.
	Scoped bool
}

func (c Config) withEnv(getenv func(string) string) (Config, error) {
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
		c.Level = slog.LevelInfo
	}
	c.Data = first(c.Data, getenv("WAYBILL_DATA"))
	if c.BufferBytes == 0 {
		c.BufferBytes = 64 << 20
		if c.Data != "" {
			c.BufferBytes = 256 << 20
		}
	}
	if c.LedgerEvery == 0 {
		c.LedgerEvery = 10 * time.Second
	}
	return c, c.validate()
}

func (c Config) validate() error {
	if c.Service == "" {
		return errors.New("the service has no name: set Config.Service or OTEL_SERVICE_NAME")
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
	return nil
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
