package instrument

import (
	"context"
	"log/slog"

	"github.com/waybill-log/waybill/record"
)

// Delivered says that the journey of ctx has reached its goal. It is what lets
// Waybill call a journey delivered where no list of hops can tell that all is done.
func Delivered(ctx context.Context) {
	declare(ctx, slog.LevelInfo, "delivered", outcome{declared: record.Delivered, result: record.Success})
}

// Failed says that the journey of ctx will not reach its goal, and why.
func Failed(ctx context.Context, err error) {
	declare(ctx, slog.LevelError, "failed", outcome{declared: record.Failed, result: record.Failure}, slog.Any("error", err))
}

// outcome travels through slog as the value of an attribute, so that the
// console shows it and the shipping handler writes it as an outcome record.
type outcome struct{ declared, result string }

func (o outcome) String() string { return o.declared }

func declare(ctx context.Context, level slog.Level, message string, o outcome, attrs ...slog.Attr) {
	logger := slog.Default()
	if c, _ := ctx.Value(contextKey{}).(correlation); c.in != nil {
		logger = c.in.logger
	}
	logger.LogAttrs(ctx, level, message, append(attrs, slog.Any("waybill.outcome", o))...)
}
