package alerts

import (
	"context"
	"time"
)

// Notification is what receivers are told: a group of alerts that fired or were
// resolved together.
type Notification struct {
	ID          string // webhook-id: the same for each attempt, and again after a crash: derived from group key + a counter or content, never random per attempt
	Receiver    string // name in the rules file
	Group       string // dedup/group key
	Status      string // "firing" or "resolved"
	Title, Text string // rendered; text is untrusted for whoever shows it
	Severity    string
	Labels      map[string]string // those all alerts share
	Alerts      []Alert
	Time        time.Time
}

// Alert is one alert in it.
type Alert struct {
	Key, Rule, Status, Severity, Title, Text, Runbook, CorrelationID string

	Labels   map[string]string
	StartsAt time.Time
	EndsAt   *time.Time
	URL      string
}

// Notifier tells receivers. Notify returns when the notification is durably
// queued, and is idempotent by ID and Receiver.
type Notifier interface {
	Notify(ctx context.Context, n Notification) error
}
