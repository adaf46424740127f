package instrument

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// Delivered says that the journey of ctx, or its saga, has reached its goal. It
// is what lets Waybill call a journey delivered where no list of hops can tell
// that all is done. Like all declarations it is shipped whatever Config.Level is.
func Delivered(ctx context.Context) {
	declare(ctx, slog.LevelInfo, "delivered", record.Record{Kind: record.KindOutcome, Declared: record.Delivered, Outcome: record.Success})
}

// Returned says that what the journey of ctx, or its saga, had done is undone,
// and why: the customer has the money back.
func Returned(ctx context.Context, reason string) {
	declare(ctx, slog.LevelWarn, "returned", record.Record{
		Kind: record.KindOutcome, Declared: record.Returned, Outcome: record.Failure, Reason: record.Bounded(reason, maxValue),
	}, slog.String("reason", reason))
}

// Failed says that the journey of ctx, or its saga, will not reach its goal, and why.
func Failed(ctx context.Context, err error) {
	declare(ctx, slog.LevelError, "failed", record.Record{Kind: record.KindOutcome, Declared: record.Failed, Outcome: record.Failure}, slog.Any("error", err))
}

// Expect says that station, a service's name, must take the journey of ctx on
// within that time. A journey that it does not reach is stalled there.
func Expect(ctx context.Context, station string, within time.Duration) {
	declare(ctx, slog.LevelInfo, "expect "+station, record.Record{
		Kind: record.KindExpect, Expect: record.Expect{Station: record.Bounded(station, maxKey), Within: within},
	}, slog.Duration("within", within))
}

// Alias says that the journey of ctx is known by another name too: an order
// number, a ticket. A person who has only that finds the journey by it.
func Alias(ctx context.Context, name, value string) {
	declare(ctx, slog.LevelInfo, "alias "+name, record.Record{
		Kind: record.KindAlias, Alias: record.Alias{Name: record.Bounded(name, maxKey), Value: record.Bounded(value, maxKey)},
	})
}

// Phases of a saga's steps.
const (
	Forward    = record.Forward
	Compensate = record.Compensate
)

// Saga returns a context whose records and hops belong to one step of a saga:
// phase is [Forward] or [Compensate]. Several sagas may run in one
// journey, each with outcomes of its own.
func Saga(ctx context.Context, id, step, phase string) context.Context {
	c := *carriedBy(ctx)
	c.saga = &record.Saga{ID: strings.Clone(record.Bounded(id, maxKey)), Step: record.Bounded(step, maxKey), Phase: record.Bounded(phase, maxKey)}
	return &carried{ctx, c}
}

// declaration travels through slog as the value of an attribute, so that the
// console shows it and the shipping handler writes its fields.
type declaration struct {
	record record.Record // only what record.AppendDeclaration reads, and Kind
}

// MarshalText is what other handlers show.
func (d *declaration) MarshalText() ([]byte, error) {
	return []byte(first(d.record.Declared, d.record.Expect.Station, d.record.Alias.Value)), nil
}

// declaredKey marks the context of a declaration for handler.Enabled, which sees no attributes.
type declaredKey struct{}

func declare(ctx context.Context, level slog.Level, message string, said record.Record, attrs ...slog.Attr) {
	logger := slog.Default()
	if in := FromContext(ctx); in != nil {
		logger = in.logger
	}
	if ctx == nil { // a mistake, and no reason to panic
		ctx = context.Background()
	}
	ctx = context.WithValue(ctx, declaredKey{}, true)
	if !logger.Enabled(ctx, level) {
		return
	}
	var pc [1]uintptr
	runtime.Callers(3, pc[:]) // past Callers, declare, and its caller
	r := slog.NewRecord(time.Now(), level, message, pc[0])
	r.AddAttrs(append(attrs, slog.Any("waybill."+string(said.Kind), &declaration{said}))...)
	_ = logger.Handler().Handle(ctx, r) // as slog does: the handler has said on stderr what it could not ship
}
