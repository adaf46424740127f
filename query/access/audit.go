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

// Note says what became of a call that reads or erases a journey. The ID may be empty for a list.
func (a Auditor) Note(ctx context.Context, route, id string, status int) {
	a.log.InfoContext(ctx, "journey accessed", "holder", From(ctx).Name, "route", route, "id", id, "status", status)
}
