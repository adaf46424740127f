package instrument

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// newNode names an instance: 48 bits of milliseconds and 56 random bits in 21
// characters that sort by time.
func newNode(now time.Time) string {
	var b [13]byte
	putMillis(b[:], now)
	rand.Read(b[6:])
	return nodeEncoding.EncodeToString(b[:])
}

var nodeEncoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

func putMillis(b []byte, now time.Time) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(b, ms[2:])
}

// idGenerator mints trace IDs that are correlation IDs too: 48 bits of
// milliseconds, then 80 random bits. There are no UUID version or variant bits:
// ratio samplers read bytes 8 to 15 and need them uniform.
type idGenerator struct{}

func (idGenerator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	var id trace.TraceID
	putMillis(id[:], time.Now())
	rand.Read(id[6:])
	return id, idGenerator{}.NewSpanID(ctx, id)
}

func (idGenerator) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	var id trace.SpanID
	for !id.IsValid() {
		rand.Read(id[:])
	}
	return id
}

// IDGenerator mints trace IDs that sort by time, as correlation IDs should. It
// is for a TracerProvider of one's own; see Config.TracerProvider.
func IDGenerator() sdktrace.IDGenerator { return idGenerator{} }
