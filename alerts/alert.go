package alerts

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// Statuses of an alert.
const (
	Pending  = "pending"  // the condition holds, and has to for a while yet
	Firing   = "firing"   // somebody is told
	Resolved = "resolved" // it is over
)

// State is an alert as it is kept.
type State struct {
	Rule          string            `json:"rule"`
	Subject       string            `json:"subject"` // what of the rule: a correlation key, an instance, values of labels
	Status        string            `json:"status"`
	Severity      string            `json:"severity"`
	Title         string            `json:"title"`
	Text          string            `json:"text,omitempty"`
	Runbook       string            `json:"runbook,omitempty"`
	CorrelationID string            `json:"correlation_id,omitempty"`
	Labels        map[string]string `json:"labels,omitempty"`
	StartsAt      time.Time         `json:"starts_at"` // when it was so first, by records and verdicts
	EndsAt        *time.Time        `json:"ends_at,omitempty"`
	Judged        time.Time         `json:"judged"`          // the verdict it rests on
	Until         *time.Time        `json:"until,omitempty"` // it ends by itself
	Fired         uint64            `json:"fired,omitempty"` // number of the change by which it fired
	Seq           uint64            `json:"seq,omitempty"`   // and of its latest change
	Muted         bool              `json:"muted,omitempty"` // it fired, and nobody was told because of a silence or an inhibition
}

// Key names an alert: the same while it is the same that is wrong.
func (s *State) Key() string { return s.Rule + "/" + s.Subject }

// Label is a label's value, and what matchers may ask besides: rule, severity, alert and
// correlation_id.
func (s *State) Label(name string) string {
	switch name {
	case "rule":
		return s.Rule
	case "severity":
		return s.Severity
	case "alert":
		return s.Key()
	case "correlation_id":
		return s.CorrelationID
	}
	return s.Labels[name]
}

// append writes the state as JSON: there are thousands a second in a storm.
func (s *State) append(dst []byte) []byte {
	text := func(name, value string) { dst = record.AppendString(append(dst, name...), value) }
	some := func(name, value string) {
		if value != "" {
			text(name, value)
		}
	}
	date := func(name string, at *time.Time) {
		if at != nil {
			dst = append(record.AppendTime(append(append(dst, name...), '"'), *at), '"')
		}
	}
	number := func(name string, n uint64) {
		if n > 0 {
			dst = strconv.AppendUint(append(dst, name...), n, 10)
		}
	}
	text(`{"rule":`, s.Rule)
	text(`,"subject":`, s.Subject)
	text(`,"status":`, s.Status)
	text(`,"severity":`, s.Severity)
	text(`,"title":`, s.Title)
	some(`,"text":`, s.Text)
	some(`,"runbook":`, s.Runbook)
	some(`,"correlation_id":`, s.CorrelationID)
	if len(s.Labels) > 0 {
		dst = append(append(dst, `,"labels":`...), encode(s.Labels)...)
	}
	date(`,"starts_at":`, &s.StartsAt)
	date(`,"ends_at":`, s.EndsAt)
	date(`,"judged":`, &s.Judged)
	date(`,"until":`, s.Until)
	number(`,"fired":`, s.Fired)
	number(`,"seq":`, s.Seq)
	if s.Muted {
		dst = append(dst, `,"muted":true`...)
	}
	return append(dst, '}')
}

// alert is one in memory.
type alert struct {
	State
	key    string
	groups []*group
}

// shown is the alert as receivers are told of it.
func (a *alert) shown(url string, most int) Alert {
	labels := make(map[string]string, len(a.Labels)+2)
	for name, value := range a.Labels {
		labels[name] = value
	}
	labels["rule"], labels["severity"] = a.Rule, a.Severity
	out := Alert{
		Key: a.key, Rule: a.Rule, Status: a.Status, Severity: a.Severity, Title: a.Title, Text: cut(a.Text, most), Runbook: a.Runbook, CorrelationID: a.CorrelationID,
		Labels: labels, StartsAt: a.StartsAt, EndsAt: a.EndsAt,
	}
	if url != "" && a.CorrelationID != "" {
		out.URL = url + escape(a.CorrelationID)
	}
	return out
}

// Keys of the journal. A rule's name has no slash.
const (
	alertKeys    = "a/"
	groupKeys    = "g/"
	waitKeys     = "w/"
	askedKeys    = "t/"
	pastKeys     = "h/"
	reviewKeys   = "l/"
	placeKey     = "place"
	silenceKeys  = "silence/"
	commandKeys  = "command/"
	rulesKey     = "rules"
	maxSubject   = 512 // bytes
	keptPast     = 1000
	maxAlerts    = 100_000
	maxSilences  = 1000
	shownAlerts  = 100 // of one notification
	shortText    = 1 << 10
	shortTextsIf = 10
)

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("alerts: %T is not encoded: %v", v, err)) // they hold texts, numbers and times
	}
	return b
}

// subjectOf joins values of labels to what tells alerts of one rule apart.
func subjectOf(values []string) string {
	for i, v := range values {
		values[i] = strings.ReplaceAll(cut(v, maxSubject/max(1, len(values))), ",", "\\,")
	}
	return strings.Join(values, ",")
}
