package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/alerts/hook"
	"github.com/waybill-log/waybill/alerts/owner"
	"github.com/waybill-log/waybill/query/access"
)

// Alerts is what is known of alerts, and where silences and commands are handed in: an
// owner.View and an owner.Desk.
type Alerts interface {
	Alerts() []alerts.State
	Past() []alerts.State
	Silences(now time.Time) []alerts.Silence
	About() owner.About
	Deliveries(receiver string) []owner.Sent
	Silence(s alerts.Silence) error
	Unsilence(id string) error
	Ask(c owner.Command) (string, error)
}

// alertOf is an alert as callers see it.
type alertOf struct {
	Key           string            `json:"key" doc:"The same while it is the same that is wrong"`
	Rule          string            `json:"rule"`
	Status        string            `json:"status" enum:"pending,firing,resolved"`
	Severity      string            `json:"severity" enum:"critical,warning,info"`
	Title         string            `json:"title"`
	Text          string            `json:"text"`
	Runbook       string            `json:"runbook"`
	CorrelationID string            `json:"correlation_id" doc:"Of its journey; empty where it is about none"`
	Labels        map[string]string `json:"labels"`
	StartsAt      time.Time         `json:"starts_at"`
	EndsAt        *time.Time        `json:"ends_at"`
	SilencedBy    []string          `json:"silenced_by" doc:"IDs of silences"`
	Quiet         bool              `json:"quiet" doc:"It fires, and nobody was told because of a silence or an inhibition"`
}

func shownAlert(s *alerts.State, silences []alerts.Silence, now time.Time) alertOf {
	out := alertOf{
		Key: s.Key(), Rule: s.Rule, Status: s.Status, Severity: s.Severity, Title: s.Title, Text: s.Text, Runbook: s.Runbook, CorrelationID: s.CorrelationID, Labels: s.Labels,
		StartsAt: s.StartsAt, EndsAt: s.EndsAt, SilencedBy: []string{}, Quiet: s.Muted,
	}
	if out.Labels == nil {
		out.Labels = map[string]string{}
	}
	for i := range silences {
		if s.Status != alerts.Resolved && silences[i].Keeps(s, now) {
			out.SilencedBy = append(out.SilencedBy, silences[i].ID)
		}
	}
	return out
}

// alertList is a list of alerts.
type alertList struct {
	AsOf   *time.Time `json:"as_of"`
	Alerts []alertOf  `json:"alerts" doc:"The latest first"`
	More   int        `json:"more" doc:"How many more there are"`
}

type silenceList struct {
	AsOf     *time.Time    `json:"as_of"`
	Silences []silenceSaid `json:"silences" doc:"The first to end first"`
}

// silenceSaid is a silence as callers see it.
type silenceSaid struct {
	ID      string    `json:"id"`
	Match   []string  `json:"match"`
	Starts  time.Time `json:"starts"`
	Ends    time.Time `json:"ends"`
	Author  string    `json:"author"`
	Comment string    `json:"comment"`
}

func shownSilence(s alerts.Silence) silenceSaid {
	out := silenceSaid{ID: s.ID, Match: []string{}, Starts: s.Starts, Ends: s.Ends, Author: s.Author, Comment: s.Comment}
	for _, m := range s.Match {
		out.Match = append(out.Match, m.String())
	}
	return out
}

// ruleSaid is a rule as callers see it.
type ruleSaid struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"`
	About    string            `json:"about" doc:"What it asks"`
	Severity string            `json:"severity"`
	Labels   map[string]string `json:"labels"`
	Line     int               `json:"line" doc:"In the file; 0: it is always there"`
	For      string            `json:"for"`
	Every    string            `json:"every" doc:"How often it is asked; 0s: at once"`
	Pending  int               `json:"pending" doc:"Its alerts"`
	Firing   int               `json:"firing" doc:"Its alerts"`
}

type ruleList struct {
	AsOf      *time.Time `json:"as_of"`
	Rules     []ruleSaid `json:"rules"`
	Receivers []string   `json:"receivers"`
	Wrong     string     `json:"wrong" doc:"Why the file's latest version is not taken; empty: it is"`
	Taken     time.Time  `json:"taken" doc:"When the rules were taken over"`
}

type deliveryList struct {
	AsOf       *time.Time      `json:"as_of"`
	Deliveries []hook.Delivery `json:"deliveries" doc:"The latest first"`
	More       int             `json:"more" doc:"How many more there are"`
}

// Limited asks for so many.
type Limited struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"200"`
}

// noAlerts answers where nobody knows of alerts.
func noAlerts() error {
	return newProblem(http.StatusNotFound, "this server knows of no alerts; run it with waybill alerts beside it")
}

func (s *server) alerts() {
	known := func(ctx context.Context) (Alerts, *time.Time, error) {
		if s.cfg.Alerts == nil {
			return nil, nil, noAlerts()
		}
		if len(access.From(ctx).Services) > 0 {
			return nil, nil, newProblem(http.StatusForbidden, "alerts are about all services, and your token is for some: ask for one without services")
		}
		asOf := s.desk.AsOf(ctx)
		if asOf.IsZero() {
			return s.cfg.Alerts, nil, nil
		}
		return s.cfg.Alerts, &asOf, nil
	}
	list := func(ctx context.Context, of func(Alerts) []alerts.State, limit int) (*answer[*alertList], error) {
		a, asOf, err := known(ctx)
		if err != nil {
			return nil, err
		}
		all, now := of(a), time.Now()
		out := &alertList{AsOf: asOf, Alerts: []alertOf{}, More: max(0, len(all)-limit)}
		silences := a.Silences(now)
		for i := range all[:min(limit, len(all))] {
			out.Alerts = append(out.Alerts, shownAlert(&all[i], silences, now))
		}
		return answered(out, asOf, nil)
	}
	add(s, get("/alerts", "list-alerts", "Alerts that fire or are pending, the latest first"), func(ctx context.Context, in *struct {
		Limited
		Status string `query:"status" enum:"all,pending,firing" default:"all"`
	}) (*answer[*alertList], error) {
		return list(ctx, func(a Alerts) (out []alerts.State) {
			for _, one := range a.Alerts() {
				if in.Status == "all" || one.Status == in.Status {
					out = append(out, one)
				}
			}
			return out
		}, in.Limit)
	})
	add(s, get("/alerts/history", "list-past-alerts", "Alerts that are over, the latest first"), func(ctx context.Context, in *Limited) (*answer[*alertList], error) {
		return list(ctx, Alerts.Past, in.Limit)
	})
	add(s, get("/alerts/rules", "list-rules", "The rules that hold, and whether the file is right"), func(ctx context.Context, _ *struct{}) (*answer[*ruleList], error) {
		a, asOf, err := known(ctx)
		if err != nil {
			return nil, err
		}
		return answered(shownRules(a, asOf), asOf, nil)
	})
	add(s, get("/alerts/deliveries", "list-deliveries", "What receivers were told, and what came of it"), func(ctx context.Context, in *struct {
		Limited
		Receiver string `query:"receiver" maxLength:"64" doc:"Its name; all where there is none"`
	}) (*answer[*deliveryList], error) {
		a, asOf, err := known(ctx)
		if err != nil {
			return nil, err
		}
		all := a.Deliveries(in.Receiver)
		out := &deliveryList{AsOf: asOf, Deliveries: []hook.Delivery{}, More: max(0, len(all)-in.Limit)}
		for _, d := range all[:min(in.Limit, len(all))] {
			out.Deliveries = append(out.Deliveries, d.Delivery)
		}
		return answered(out, asOf, nil)
	})
	s.silences(known)
	s.commands(known)
}

func shownRules(a Alerts, asOf *time.Time) *ruleList {
	about := a.About()
	pending, firing := map[string]int{}, map[string]int{}
	for _, one := range a.Alerts() {
		if one.Status == alerts.Firing {
			firing[one.Rule]++
		} else {
			pending[one.Rule]++
		}
	}
	out := &ruleList{AsOf: asOf, Rules: []ruleSaid{}, Receivers: append([]string{}, about.Receivers...), Wrong: about.Wrong, Taken: about.At}
	for _, r := range about.Rules {
		out.Rules = append(out.Rules, ruleSaid{
			Name: r.Name, Kind: r.Kind, About: r.About, Severity: r.Severity, Labels: r.Labels, Line: r.Line, For: r.For.String(), Every: r.Every.String(), Pending: pending[r.Name], Firing: firing[r.Name],
		})
	}
	return out
}

type knowing func(context.Context) (Alerts, *time.Time, error)

// post is an operation that changes something.
func post(path, name, summary string, status int) huma.Operation {
	return huma.Operation{Method: http.MethodPost, Path: base + path, OperationID: name, Summary: summary, DefaultStatus: status}
}

// author is who asks, in words for others.
func author(ctx context.Context) string {
	return cmp.Or(access.From(ctx).Name, "local")
}

func (s *server) silences(known knowing) {
	add(s, get("/alerts/silences", "list-silences", "Silences that are not over"), func(ctx context.Context, _ *struct{}) (*answer[*silenceList], error) {
		a, asOf, err := known(ctx)
		if err != nil {
			return nil, err
		}
		out := &silenceList{AsOf: asOf, Silences: []silenceSaid{}}
		for _, one := range a.Silences(time.Now()) {
			out.Silences = append(out.Silences, shownSilence(one))
		}
		return answered(out, asOf, nil)
	})
	add(s, post("/alerts/silences", "silence", "Keep alerts quiet for a while; to snooze one, match alert = its key", http.StatusCreated), func(ctx context.Context, in *struct {
		Body struct {
			Match   []string  `json:"match" minItems:"1" maxItems:"20" doc:"Matchers, all of which have to match" example:"[\"rule = bank-stalled\"]"`
			For     string    `json:"for,omitempty" maxLength:"20" doc:"How long, such as 2h; else ends says until when" example:"2h"`
			Starts  time.Time `json:"starts,omitempty" doc:"From when on; now where it is not said"`
			Ends    time.Time `json:"ends,omitempty"`
			Comment string    `json:"comment,omitempty" maxLength:"1024" doc:"Why"`
		}
	}) (*answer[silenceSaid], error) {
		a, asOf, err := known(ctx)
		if err != nil {
			return nil, err
		}
		b := &in.Body
		if b.Starts.IsZero() {
			b.Starts = time.Now()
		}
		if b.For != "" {
			d, err := time.ParseDuration(b.For)
			if err != nil || d <= 0 || !b.Ends.IsZero() {
				p := newProblem(http.StatusBadRequest, "for is a duration such as 30m or 2h, and goes without ends")
				p.Field = "for"
				return nil, p
			}
			b.Ends = b.Starts.Add(d)
		}
		one, err := alerts.NewSilence(b.Match, b.Starts, b.Ends, author(ctx), b.Comment)
		if err != nil {
			return nil, newProblem(http.StatusBadRequest, err.Error())
		}
		if err := a.Silence(one); err != nil {
			return nil, err
		}
		s.log.InfoContext(ctx, "alerts are silenced", "silence", one.ID, "by", one.Author, "ends", one.Ends)
		return answered(shownSilence(one), asOf, nil)
	})
	add(s, huma.Operation{Method: http.MethodDelete, Path: base + "/alerts/silences/{id}", OperationID: "end-silence", Summary: "End a silence"}, func(ctx context.Context, in *struct {
		ID string `path:"id" pattern:"^[0-9a-f]{16}$" doc:"Of the silence"`
	}) (*struct{}, error) {
		a, _, err := known(ctx)
		if err != nil {
			return nil, err
		}
		for _, one := range a.Silences(time.Now()) {
			if one.ID == in.ID {
				s.log.InfoContext(ctx, "a silence is ended", "silence", one.ID, "by", author(ctx))
				return &struct{}{}, a.Unsilence(in.ID)
			}
		}
		return nil, newProblem(http.StatusNotFound, "there is no silence "+in.ID+" now; see /api/v1/alerts/silences")
	})
}

// commanded says that something was handed on.
type commanded struct {
	ID   string `json:"id" doc:"Of the command"`
	Look string `json:"look" doc:"Where what comes of it will be"`
}

func (s *server) commands(known knowing) {
	add(s, post("/alerts/deliveries/redrive", "redrive-delivery", "Send what was given up on its way again, under its ID", http.StatusAccepted), func(ctx context.Context, in *struct {
		Body struct {
			Receiver string `json:"receiver" minLength:"1" maxLength:"64"`
			ID       string `json:"id" minLength:"1" maxLength:"512" doc:"Of the delivery"`
		}
	}) (*answer[commanded], error) {
		a, asOf, err := known(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range a.Deliveries(in.Body.Receiver) {
			if d.ID == in.Body.ID {
				return s.command(ctx, a, asOf, owner.Command{Do: owner.Redrive, Receiver: d.Receiver, Delivery: d.ID, Partition: d.Partition})
			}
		}
		return nil, newProblem(http.StatusNotFound, "there is no such delivery in the history; see /api/v1/alerts/deliveries")
	})
	add(s, post("/alerts/receivers/{name}/test", "test-receiver", "Send a receiver something that says it is a test", http.StatusAccepted), func(ctx context.Context, in *struct {
		Name string `path:"name" pattern:"^[A-Za-z0-9_.-]{1,64}$"`
	}) (*answer[commanded], error) {
		a, asOf, err := known(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range a.About().Receivers {
			if name == in.Name {
				return s.command(ctx, a, asOf, owner.Command{Do: owner.Test, Receiver: name})
			}
		}
		return nil, newProblem(http.StatusNotFound, "there is no receiver "+in.Name+" in the rules file")
	})
}

func (s *server) command(ctx context.Context, a Alerts, asOf *time.Time, c owner.Command) (*answer[commanded], error) {
	c.By = author(ctx)
	id, err := a.Ask(c)
	if err != nil {
		return nil, err
	}
	return answered(commanded{ID: id, Look: base + "/alerts/deliveries?receiver=" + c.Receiver}, asOf, nil)
}
