package api

import (
	"context"
	"time"

	"github.com/waybill-log/waybill/query"
)

func (s *server) records() {
	add(s, get("/records", "search-records", "Records, the newest first"), func(ctx context.Context, in *struct {
		Listed
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		Order string `query:"order" enum:"newest,oldest" default:"newest" doc:"Which come first"`
	}) (*answer[*query.Records], error) {
		out, err := s.desk.Records(ctx, in.Q, in.Cursor, in.Limit, in.Order == "oldest")
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/records/histogram", "count-records", "How many records there are, by time"), func(ctx context.Context, in *struct {
		Q    string `query:"q" maxLength:"8192" doc:"What is counted; since and until say from when to when, the last hour where they do not"`
		Step string `query:"step" maxLength:"20" doc:"A duration such as 30s; one that makes about a hundred steps where there is none" example:"30s"`
	}) (*answer[*query.Histogram], error) {
		step, err := duration(in.Step)
		if err != nil {
			return nil, err
		}
		out, err := s.desk.Histogram(ctx, in.Q, step)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/records/facets", "count-values", "The most frequent values of a field"), func(ctx context.Context, in *struct {
		Q     string `query:"q" maxLength:"8192" doc:"What is counted"`
		Field string `query:"field" required:"true" maxLength:"256" example:"service.name"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"20"`
	}) (*answer[*query.Facets], error) {
		out, err := s.desk.Facets(ctx, in.Q, in.Field, in.Limit)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/fields", "list-fields", "What a query can be made of"), func(ctx context.Context, _ *struct{}) (*answer[*query.Language], error) {
		asOf := s.desk.AsOf(ctx)
		return answered(query.NewLanguage(), &asOf, nil)
	})

	add(s, get("/records/context", "records-around", "What was written before and after a record"), func(ctx context.Context, in *struct {
		ID     string    `query:"id" required:"true" minLength:"1" maxLength:"512" doc:"Its event.id"`
		At     time.Time `query:"at" doc:"Its @timestamp, which one needs that has no event.sequence"`
		Within string    `query:"within" enum:"instance,service,journey" default:"instance"`
		Limit  int       `query:"limit" minimum:"1" maximum:"500" default:"20" doc:"On either side"`
	}) (*answer[*query.Around], error) {
		out, err := s.desk.Around(ctx, in.ID, in.At, in.Within, in.Limit)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})
}

// duration reads a step; 0 where there is none.
func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Millisecond {
		p := newProblem(400, "a step is a duration of at least 1ms, such as 30s or 1h")
		p.Field = "step"
		return 0, p
	}
	return d, nil
}
