package instrument

import (
	"slices"
	"sync"
)

// maxWarnings bounds what Health repeats.
const maxWarnings = 16

const (
	warnUnrecorded = "a span is not recorded, so its hop is missing: wrap the sampler of your TracerProvider in sdktrace.AlwaysRecord"
	warnUnseen     = "spans of Config.TracerProvider are not seen, so hops are missing: register Instrument.SpanProcessor with it"
	warnReadable   = "Kafka's password is sent readable: turn TLS on (WAYBILL_KAFKA_TLS=true), or use SASL mechanism SCRAM-SHA-512"
)

// warnings are what is wrong with the set-up, each said once.
type warnings struct {
	mu   sync.Mutex
	said []string
}

func (w *warnings) add(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.said) < maxWarnings && !slices.Contains(w.said, text) {
		w.said = append(w.said, text)
	}
}

func (w *warnings) all() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.said)
}

// warn says on the log and in Health what part of the set-up is ignored.
func (in *Instrument) warn(message string, err error) {
	in.logger.Warn(message, "error", err)
	in.warnings.add(message + ": " + err.Error())
}
