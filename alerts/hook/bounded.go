package hook

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

// Bounds of one notification: a message of Kafka, 1 MiB by default, has to hold it.
const (
	maxID     = 1 << 10
	maxTitle  = 1 << 10
	maxText   = 16 << 10
	maxName   = 1 << 10
	maxLabels = 64
	maxLabel  = 128 // of its key
	maxValue  = 512
	maxAlerts = 1000
	maxParcel = 640 << 10 // encoded, without what became of it
)

// idHash stands for an ID.
type idHash [16]byte

func hashOf(id string) (h idHash) {
	sum := sha256.Sum256([]byte(id))
	copy(h[:], sum[:])
	return h
}

// bounded is n within the bounds: what is left out is said in its text.
func bounded(n alerts.Notification) (alerts.Notification, error) {
	switch {
	case n.ID == "":
		return n, errors.New("the notification has no ID")
	case len(n.ID) > maxID:
		return n, fmt.Errorf("the notification's ID has %d bytes, want at most %d", len(n.ID), maxID)
	case !writable(n.Time):
		return n, fmt.Errorf("the notification is dated %v, want a year from 0 to 9999", n.Time)
	}
	n.Title, n.Text, n.Severity, n.Group, n.Status = cut(n.Title, maxTitle), cut(n.Text, maxText), cut(n.Severity, maxName), cut(n.Group, maxName), cut(n.Status, maxName)
	n.Labels = boundedLabels(n.Labels)
	all := n.Alerts
	n.Alerts = nil
	b, err := json.Marshal(n)
	if err != nil {
		return n, fmt.Errorf("notification %q: %w", n.ID, err)
	}
	size := len(b)
	n.Alerts = slices.Clone(all[:min(len(all), maxAlerts)])
	for i := range n.Alerts {
		a := boundedAlert(n.Alerts[i])
		b, err := json.Marshal(a)
		if err != nil {
			return n, fmt.Errorf("alert %q: %w", a.Key, err)
		}
		if size += len(b); size > maxParcel {
			n.Alerts = n.Alerts[:i]
			break
		}
		n.Alerts[i] = a
	}
	if left := len(all) - len(n.Alerts); left > 0 {
		n.Text += fmt.Sprintf("\n\n%d alerts more are not in this notification.", left)
	}
	return n, nil
}

func boundedAlert(a alerts.Alert) alerts.Alert {
	for _, s := range []*string{&a.Key, &a.Rule, &a.Status, &a.Severity, &a.Title, &a.CorrelationID} {
		*s = cut(*s, maxName)
	}
	a.Text, a.Runbook, a.URL = cut(a.Text, maxText), cut(a.Runbook, 2*maxName), cut(a.URL, 2*maxName)
	a.Labels = boundedLabels(a.Labels)
	if !writable(a.StartsAt) {
		a.StartsAt = time.Time{}
	}
	if a.EndsAt != nil && !writable(*a.EndsAt) {
		a.EndsAt = nil
	}
	return a
}

func boundedLabels(labels map[string]string) map[string]string {
	out := make(map[string]string, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if len(out) == maxLabels {
			break
		}
		out[cut(key, maxLabel)] = cut(labels[key], maxValue)
	}
	return out
}

// writable reports whether RFC 3339 can write it.
func writable(t time.Time) bool {
	y := t.UTC().Year()
	return y >= 0 && y <= 9999
}

// cut is at most n bytes of s, as valid UTF-8.
func cut(s string, n int) string {
	if len(s) <= n {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	const mark = "…"
	return strings.ToValidUTF8(s[:n-len(mark)], "") + mark
}
