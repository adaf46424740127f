package hook

import (
	"encoding/json"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

// Outcome is what has become of a delivery.
type Outcome string

// Outcomes of deliveries and of attempts.
const (
	Pending   Outcome = "pending"   // waits, or is tried again
	Delivered Outcome = "delivered" // the receiver took it
	Failed    Outcome = "failed"    // given up
	Retried   Outcome = "retried"   // of an attempt only: it is tried again
)

// Delivery is one notification on its way to one receiver. Its title and group are untrusted
// text: services have written parts of them.
type Delivery struct {
	ID       string    `json:"id"`       // the notification's
	Receiver string    `json:"receiver"` // who is told
	Instead  string    `json:"instead_of,omitempty"`
	Fallback string    `json:"fallback,omitempty"` // who was told instead, since this was given up
	Tracking string    `json:"tracking_number"`
	Group    string    `json:"group,omitempty"`
	Status   string    `json:"status"`
	Severity string    `json:"severity,omitempty"`
	Title    string    `json:"title"`
	Alerts   int       `json:"alerts"`
	Gathered int       `json:"gathered,omitempty"` // how many notifications are in this one; 0: it is none of several
	Test     bool      `json:"test,omitempty"`
	Redriven int       `json:"redriven,omitempty"` // times it was sent on its way again
	Queued   time.Time `json:"queued"`

	Outcome  Outcome    `json:"outcome"`
	Reason   string     `json:"reason,omitempty"` // why it was given up, or is tried again
	Tries    int        `json:"tries"`
	Next     *time.Time `json:"next,omitempty"`  // of a pending one that is tried again
	Ended    *time.Time `json:"ended,omitempty"` // of one that is not pending
	Attempts []Attempt  `json:"attempts"`        // the last maxAttempts
}

// Attempt is one try. Request and Answer are heads: the first bytes, with secrets masked and
// with what a terminal would obey escaped.
type Attempt struct {
	Number  int           `json:"number"` // from 1
	At      time.Time     `json:"at"`
	Took    time.Duration `json:"took"` // ns
	Outcome Outcome       `json:"outcome"`
	Request string        `json:"request,omitempty"`
	Status  int           `json:"status,omitempty"` // of HTTP or SMTP; an exit code of a program
	Answer  string        `json:"answer,omitempty"`
	Error   string        `json:"error,omitempty"`
}

// maxAttempts bounds those of one delivery that are kept.
const maxAttempts = 10

func (d *Delivery) tried(a Attempt) {
	d.Tries++
	a.Number = d.Tries
	d.Attempts = append(d.Attempts, a)
	if n := len(d.Attempts) - maxAttempts; n > 0 {
		d.Attempts = append(d.Attempts[:0:0], d.Attempts[n:]...)
	}
}

func newDelivery(n alerts.Notification, receiver string, now time.Time) Delivery {
	return Delivery{
		ID: n.ID, Receiver: receiver, Tracking: Tracking(n.ID), Group: n.Group, Status: n.Status, Severity: n.Severity,
		Title: n.Title, Alerts: len(n.Alerts), Queued: now, Outcome: Pending, Attempts: []Attempt{},
	}
}

// copied shares nothing with d that changes later.
func (d *Delivery) copied() Delivery {
	c := *d
	c.Attempts = append([]Attempt{}, d.Attempts...)
	return c
}

// IsDelivery reports whether a journal keeps a delivery under a key.
func IsDelivery(key string) bool {
	kind, _, ok := split(key)
	return ok && (kind == "waiting" || kind == "past")
}

// ParseDelivery reads one that a journal keeps under a key; false: it keeps something else.
func ParseDelivery(key string, value []byte) (Delivery, bool) {
	var kept struct{ Delivery Delivery }
	if !IsDelivery(key) || json.Unmarshal(value, &kept) != nil || kept.Delivery.ID == "" {
		return Delivery{}, false
	}
	return kept.Delivery, true
}
