package access

import (
	"context"
	"log/slog"
)

// Auditor notes who looked at what.
type Auditor struct{ log *slog.Logger }

// Audit writes to a log; nil discards.
func Audit(log *slog.Logger) Auditor {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return Auditor{log: log}
}

// Note says what became of a call that is about one thing, such as a journey that is read or erased.
func (a Auditor) Note(ctx context.Context, what, route, id string, status int) {
	a.log.InfoContext(ctx, what+" accessed", "holder", From(ctx).Name, "route", route, "id", id, "status", status)
}
