package instrument

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a string that logs, fmt and encoding/json show as [redacted]. They
// cannot help it where they do not ask: as the key of a map in JSON, in an
// unexported field, and under fmt's verbs %p and %w, which go vet refuses.
type Secret string

// Reveal returns the content.
func (s Secret) Reveal() string { return string(s) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// Format implements fmt.Formatter.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalJSON implements json.Marshaler.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
