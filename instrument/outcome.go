package instrument

import (
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/waybill-log/waybill/record"
)

// Delivered says that the journey of ctx has reached its goal. It is what lets
// Waybill call a journey delivered where no list of hops can tell that all is done.
// It is shipped whatever Config.Level is.
func Delivered(ctx context.Context) {
	declare(ctx, slog.LevelInfo, "delivered", record.Delivered)
}

// Failed says that the journey of ctx will not reach its goal, and why.
func Failed(ctx context.Context, err error) {
	declare(ctx, slog.LevelError, "failed", record.Failed, slog.Any("error", err))
}

// outcome travels through slog as the value of an attribute, so that the
// console shows it and the shipping handler writes it as an outcome record.
type outcome string

func (o outcome) result() string {
	if o == record.Delivered {
		return record.Success
	}
	return record.Failure
}

// outcomeKey marks the context of an outcome for handler.Enabled, which sees no attributes.
type outcomeKey struct{}

func declare(ctx context.Context, level slog.Level, message string, o outcome, attrs ...slog.Attr) {
	logger := slog.Default()
	if c, _ := ctx.Value(contextKey{}).(correlation); c.in != nil {
		logger = c.in.logger
	}
	ctx = context.WithValue(ctx, outcomeKey{}, true)
	if !logger.Enabled(ctx, level) {
		return
	}
	var pc [1]uintptr
	runtime.Callers(3, pc[:]) // past Callers, declare, and Delivered or Failed
	r := slog.NewRecord(time.Now(), level, message, pc[0])
	r.AddAttrs(append(attrs, slog.Any("waybill.outcome", o))...)
	_ = logger.Handler().Handle(ctx, r) // as slog does: the handler has said on stderr what it could not ship
}
