package owner

import (
	"context"
	"log/slog"

	"github.com/waybill-log/waybill/alerts"
)

// logged writes notifications to the log, where there are no hooks.
type logged struct{ log *slog.Logger }

// Notify implements alerts.Notifier.
func (l logged) Notify(ctx context.Context, n alerts.Notification) error {
	l.log.WarnContext(ctx, "an alert", "status", n.Status, "severity", n.Severity, "title", n.Title, "receiver", n.Receiver, "alerts", len(n.Alerts))
	return nil
}
