package hook

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Alertmanager is a receiver that takes alerts as Prometheus sends them, by its API v2. It groups and
// silences by itself.
type Alertmanager struct {
	HTTP `yaml:",inline"` // the URL up to /api/v2/alerts, which may be left out

	// Hold is how long an alert goes on that nobody has resolved: Alertmanager itself
	// forgets one after 5 min unless it hears of it again. 0: 24 h.
	Hold time.Duration `yaml:"hold"`
}

const maxHold = 30 * 24 * time.Hour

func (s *Alertmanager) check(*Receiver) error {
	if s.Hold < 0 || s.Hold > maxHold {
		return errors.New("alertmanager.hold has to be up to 720h")
	}
	return s.HTTP.check()
}

func (*Alertmanager) perMinute() int { return 6000 }

func (s *Alertmanager) kind(m *Manager, r *Receiver) (kind, error) {
	return &alertmanager{newPoster(m, r, s.HTTP, false), or(s.Hold, 24*time.Hour)}, nil
}

type alertmanager struct {
	*poster
	hold time.Duration
}

// posted is one alert of Alertmanager's API (api/v2/openapi.yaml, postableAlert).
type posted struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt,omitzero"`
	EndsAt      time.Time         `json:"endsAt,omitzero"`
	URL         string            `json:"generatorURL,omitempty"`
}

func (s *alertmanager) deliver(ctx context.Context, p *parcel, a *answer) {
	n, now := &p.Notification, time.Now()
	all := make([]posted, 0, len(n.Alerts))
	for i := range n.Alerts {
		alert := &n.Alerts[i]
		one := posted{Labels: map[string]string{}, StartsAt: alert.StartsAt, EndsAt: now.Add(s.hold), URL: alert.URL}
		for key, value := range alert.Labels {
			one.Labels[labelName(key)] = value
		}
		for key, value := range map[string]string{
			"alertname": alert.Rule, "severity": alert.Severity, "correlation_id": alert.CorrelationID, "alert_key": alert.Key,
		} {
			one.Labels[key] = value
		}
		deleteEmpty(one.Labels) // which it refuses
		one.Annotations = map[string]string{"summary": alert.Title, "description": alert.Text, "runbook_url": alert.Runbook, "tracking_number": p.Delivery.Tracking}
		deleteEmpty(one.Annotations)
		switch {
		case alert.EndsAt != nil:
			one.EndsAt = *alert.EndsAt
		case alert.Status == "resolved":
			one.EndsAt = n.Time
		}
		all = append(all, one)
	}
	s.post(ctx, "/api/v2/alerts", http.Header{"Content-Type": {"application/json"}}, encoded(all), nil, a)
}

func deleteEmpty(all map[string]string) {
	for key, value := range all {
		if value == "" {
			delete(all, key)
		}
	}
}

// labelName is a name of Prometheus: letters, digits and _, and no digit in front.
func labelName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '_'
	}, name)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "_" + name
	}
	return name
}
