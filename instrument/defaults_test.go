package instrument

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
)

// Started for real, it would ship to whatever listens at the default address.
func TestWhatAnEmptyConfigMeans(t *testing.T) {
	t.Parallel()
	cfg, err := Config{}.withEnv(func(name string) string {
		return map[string]string{"OTEL_SERVICE_NAME": "bank"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(cfg.Brokers, []string{DefaultBroker}) || cfg.Topic != record.TopicRecords || cfg.Level.Level() != slog.LevelInfo ||
		cfg.BufferBytes != 64<<20 || cfg.LedgerEvery != 10*time.Second || cfg.Scoped {
		t.Errorf("got %+v", cfg)
	}
}
