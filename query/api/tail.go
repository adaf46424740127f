package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/waybill-log/waybill/query"
)

func (s *server) tail() {
	op := get("/tail", "tail", "Records as they come, as server-sent events")
	op.Responses = content("Events record, receipt and gap until the client goes", map[string]*huma.MediaType{"text/event-stream": {}})
	add(s, op, func(_ context.Context, in *struct {
		Q           string `query:"q" maxLength:"8192" doc:"Which records; since says from when"`
		LastEventID string `header:"Last-Event-ID" maxLength:"4096" doc:"Goes on behind that event"`
	}) (*streamed, error) {
		if s.cfg.Tail == nil {
			return nil, newProblem(http.StatusNotFound, "this server has no tail")
		}
		search, err := query.Parse(in.Q)
		if err != nil {
			return nil, err
		}
		if !search.Journey.IsZero() || !search.Until.IsZero() {
			p := newProblem(http.StatusBadRequest, "the tail shows records as they come: of verdict, visited, kind, release, took and until it knows nothing; list journeys for those")
			p.Field = "q"
			return nil, p
		}
		return &streamed{Body: func(c huma.Context) {
			ec := humaecho.Unwrap(c)
			if err := s.cfg.Tail(ec.Response(), ec.Request(), search); err != nil && !ec.Response().Committed {
				s.problem(err, ec)
			}
		}}, nil
	})
}
