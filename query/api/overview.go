package api

import (
	"context"

	"github.com/waybill-log/waybill/query"
)

func (s *server) overview() {
	add(s, get("/services", "list-services", "Services, the busiest first"), func(ctx context.Context, in *struct {
		Q string `query:"q" maxLength:"8192" doc:"Of which records"`
	}) (*answer[*query.Services], error) {
		out, err := s.desk.Services(ctx, in.Q)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/map", "draw-map", "How recent journeys went, over services and topics"), func(ctx context.Context, in *struct {
		Q     string `query:"q" maxLength:"8192" doc:"Which journeys"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"200" doc:"Of the newest"`
	}) (*answer[*query.Map], error) {
		out, err := s.desk.Map(ctx, in.Q, in.Limit)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/usual/{kind}", "usual", "What journeys of a kind usually do"), func(ctx context.Context, in *struct {
		Kind    string `path:"kind" minLength:"1" maxLength:"1024" doc:"Operation of the first hop" example:"POST /purchases"`
		Release string `query:"release" maxLength:"256" doc:"Version of the service that begins it; that of the newest where there is none"`
	}) (*answer[*query.Usual], error) {
		out, err := s.desk.Usual(ctx, in.Kind, in.Release)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})
}
