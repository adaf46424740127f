package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/access"
	"github.com/waybill-log/waybill/query/api"
	"github.com/waybill-log/waybill/query/live"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
	"github.com/waybill-log/waybill/ui"
)

// startQuery answers over HTTP.
//
//	Kafka ──► follower ──► tail
//	             └► fresh ──► visible ──► desk ──► API, behind the policy
//	store ────────┘
func (s *stack) startQuery(ctx context.Context, console slog.Handler) error {
	if err := s.checkToken("query", s.cfg.QueryAddr); err != nil {
		return err
	}
	pages, err := ui.Files()
	if err != nil {
		return err
	}
	in, err := s.observe(ctx, "waybill-query", console)
	if err != nil {
		return err
	}
	policy, err := s.policy(in.Logger())
	if err != nil {
		return err
	}
	ln, err := listen("query", s.cfg.QueryAddr)
	if err != nil {
		return err
	}
	if err := s.startEvidence(ctx, in.Logger()); err != nil {
		return errors.Join(err, ln.Close())
	}
	follower, err := s.follower(in.Logger())
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if err := s.openAlerts(ctx, in.Logger()); err != nil {
		return errors.Join(err, ln.Close())
	}
	fresh := follower.Fresh(s.store, s.gather)
	visible := store.NewVisible(fresh, s.store)
	s.url = "http://" + ln.Addr().String()
	h, err := api.New(api.Config{
		Desk: query.New(query.Config{
			Store: visible, Erase: visible.Erase, Hides: visible.Hides, Evidence: s.gather, Ledgers: s.gather.Ledgers, Letters: s.letters, Letter: s.letter, Replay: s.replay, Lags: s.gather.Lags, Logger: in.Logger(),
			Begin: func() func() time.Time { return fresh.Begin().AsOf },
			Only:  func(ctx context.Context) filter.Node { return access.From(ctx).Filter() },
		}),
		Tail:   tail(follower, visible),
		Alerts: s.alerting,
		Ready:  s.store.Ready, Guard: policy, Pages: pages, Logger: in.Logger(), Middleware: []echo.MiddlewareFunc{in.Echo()},
	})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	s.serveHTTP("query", ln, h)
	s.goOn(ctx, "tail", follower.Run, fresh.Run, visible.Watch)
	in.Logger().Info("query is running", "url", s.url)
	return nil
}

// policy says who is let in: whom a file names, else who has the one token, else whoever is on
// this machine.
func (s *stack) policy(log *slog.Logger) (*access.Policy, error) {
	cfg := access.Config{Logger: log}
	switch {
	case s.cfg.TokensFile != "":
		tokens, err := access.Load(s.cfg.TokensFile, log)
		if err != nil {
			return nil, usage(err)
		}
		cfg.Tokens = tokens
	case s.cfg.Token != "":
		cfg.Tokens = access.Single(s.cfg.Token)
	}
	return access.New(cfg), nil
}

func (s *stack) follower(log *slog.Logger) (*live.Follower, error) {
	kafka, err := collector.KafkaConfig(s.cfg.kafkaSecurity())
	if err != nil {
		return nil, err
	}
	return live.New(live.Config{Brokers: s.brokers, Kafka: kafka, Topic: record.TopicRecords, Retention: s.cfg.retention, Logger: log})
}

// tail shows records as they come to who may see them.
func tail(f *live.Follower, visible *store.Visible) func(http.ResponseWriter, *http.Request, filter.Search) error {
	return func(w http.ResponseWriter, r *http.Request, search filter.Search) error {
		var wanted filter.And
		for _, node := range []filter.Node{access.From(r.Context()).Filter(), search.Records} {
			if node != nil {
				wanted = append(wanted, node)
			}
		}
		sub, err := f.Subscribe(live.Request{Filter: wanted, Hide: visible.Hides, Resume: r.Header.Get("Last-Event-ID"), Since: search.From})
		if err != nil {
			return err
		}
		defer sub.Close()
		return sub.Serve(w, r)
	}
}
