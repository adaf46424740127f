package hook

import (
	"encoding/hex"
	"time"
)

// Payload is what webhooks, programs and topics get, as JSON.
type Payload struct {
	Type      string      `json:"type"` // alert.firing, alert.resolved or alert.test
	Timestamp time.Time   `json:"timestamp"`
	Data      PayloadData `json:"data"`
}

// PayloadData is what is told. All text in it is untrusted: services have written parts of it.
type PayloadData struct {
	ID       string            `json:"id"`
	Receiver string            `json:"receiver"`
	Instead  string            `json:"instead_of,omitempty"` // a receiver that did not take it
	Tracking string            `json:"tracking_number"`      // of its deliveries
	Group    string            `json:"group"`
	Status   string            `json:"status"`
	Severity string            `json:"severity"`
	Title    string            `json:"title"`
	Text     string            `json:"text"`
	Labels   map[string]string `json:"labels"`
	Gathered int               `json:"gathered,omitempty"` // how many notifications are in this one
	Alerts   []PayloadAlert    `json:"alerts"`
}

// PayloadAlert is one alert.
type PayloadAlert struct {
	Key           string            `json:"key"`
	Rule          string            `json:"rule"`
	Status        string            `json:"status"`
	Severity      string            `json:"severity"`
	Title         string            `json:"title"`
	Text          string            `json:"text"`
	Runbook       string            `json:"runbook,omitempty"`
	CorrelationID string            `json:"correlation_id,omitempty"`
	Labels        map[string]string `json:"labels"`
	StartsAt      time.Time         `json:"starts_at"`
	EndsAt        *time.Time        `json:"ends_at,omitempty"`
	URL           string            `json:"url,omitempty"`
}

func payloadOf(p *parcel) Payload {
	n := &p.Notification
	kind := "alert." + n.Status
	if p.Delivery.Test {
		kind = "alert.test"
	}
	data := PayloadData{
		ID: n.ID, Receiver: p.Delivery.Receiver, Instead: p.Delivery.Instead, Tracking: p.Delivery.Tracking, Group: n.Group,
		Status: n.Status, Severity: n.Severity, Title: n.Title, Text: n.Text, Labels: n.Labels,
		Gathered: p.Delivery.Gathered, Alerts: make([]PayloadAlert, len(n.Alerts)),
	}
	for i, a := range n.Alerts {
		data.Alerts[i] = PayloadAlert(a)
	}
	return Payload{Type: kind, Timestamp: n.Time.UTC(), Data: data}
}

// titleOf says too for whom it was meant, where that is another receiver.
func titleOf(p *parcel) string {
	title := p.Notification.Title
	if p.Notification.Status == "resolved" {
		title = "Resolved: " + title
	}
	if p.Delivery.Instead != "" {
		title += " (instead of " + p.Delivery.Instead + ", which did not take it)"
	}
	return title
}

// hashName stands for text that a protocol does not take as a name.
func hashName(text string) string {
	h := hashOf(text)
	return hex.EncodeToString(h[:])
}
