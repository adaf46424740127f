package hook

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// Chat is a channel of people, reached by an incoming webhook of Slack or Discord, or a workflow of
// Teams. Whoever has its URL may write there, so it is best in url_file.
type Chat struct {
	HTTP `yaml:",inline"`
}

// chatKind is one of the services.
type chatKind struct {
	*Chat
	body func(*parcel) any
	most int // a minute, as the service takes it
}

// chat is nil where c is.
func chat(c *Chat, of func(c *Chat) *chatKind) *chatKind {
	if c == nil {
		return nil
	}
	return of(c)
}

func slack(c *Chat) *chatKind   { return &chatKind{c, slackBody, 60} }
func teams(c *Chat) *chatKind   { return &chatKind{c, teamsBody, 60} }
func discord(c *Chat) *chatKind { return &chatKind{c, discordBody, 30} }

func (c *chatKind) check(*Receiver) error { return c.HTTP.check() }
func (c *chatKind) perMinute() int        { return c.most }

func (c *chatKind) kind(m *Manager, r *Receiver) (kind, error) {
	return &chatter{newPoster(m, r, c.HTTP, true), c.body}, nil
}

type chatter struct {
	*poster
	body func(*parcel) any
}

func (c *chatter) deliver(ctx context.Context, p *parcel, a *answer) {
	c.post(ctx, "", http.Header{"Content-Type": {"application/json"}}, encoded(c.body(p)), nil, a)
}

// maxShown bounds the alerts that a person is shown.
const maxShown = 10

// lines are what a person reads: each alert, what it says, and where to look. escape makes text
// of services harmless where it is shown.
func lines(p *parcel, most int, escape func(string) string, link func(text, url string) string) string {
	n := &p.Notification
	var b strings.Builder
	b.WriteString(escape(n.Text))
	for i := range n.Alerts {
		a := &n.Alerts[i]
		if i == maxShown || b.Len() > most {
			fmt.Fprintf(&b, "\n… and %d alerts more", len(n.Alerts)-i)
			break
		}
		fmt.Fprintf(&b, "\n• %s %s", escape(a.Status), escape(or(a.Title, a.Rule)))
		if a.Text != "" && a.Text != n.Text {
			b.WriteString(": " + escape(cut(a.Text, 500)))
		}
		if a.CorrelationID != "" {
			b.WriteString(" (" + escape(a.CorrelationID) + ")")
		}
		if harmless(a.URL) {
			b.WriteString(" " + link("journey", a.URL))
		}
		if harmless(a.Runbook) {
			b.WriteString(" " + link("runbook", a.Runbook))
		}
	}
	fmt.Fprintf(&b, "\nTracking number %s", p.Delivery.Tracking)
	return cut(strings.TrimSpace(b.String()), most)
}

// harmless reports whether a URL may be a link: what ends one early may not be in it.
func harmless(link string) bool {
	return (strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://")) && !strings.ContainsAny(link, "<>|()[] \"\\\r\n\t")
}

// oneLine is text for a title.
func oneLine(s string, most int) string {
	return cut(strings.Join(strings.Fields(s), " "), most)
}

// colour is that of a notification, as hexadecimal digits of red, green and blue.
func colour(p *parcel) int {
	switch strings.ToLower(p.Notification.Severity) {
	case "critical", "page", "error":
		if p.Notification.Status != "resolved" {
			return 0xC62828
		}
	case "info":
		return 0x1565C0
	}
	if p.Notification.Status == "resolved" {
		return 0x2E7D32
	}
	return 0xEF6C00
}
