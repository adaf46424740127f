package api

import (
	"context"

	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/access"
)

// operations are for those who run the stack.
func (s *server) operations() {
	add(s, get("/deadletters", "list-dead-letters", "Messages that could not be stored, the newest first"), func(ctx context.Context, in *struct {
		Limit int `query:"limit" minimum:"1" maximum:"500" default:"50"`
	}) (*answer[*query.Letters], error) {
		out, err := s.desk.DeadLetters(ctx, in.Limit)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/instances", "list-instances", "What instances have written, and what of it is lost"), func(ctx context.Context, in *struct {
		Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
	}) (*answer[*query.Instances], error) {
		out, err := s.desk.Instances(ctx, in.Limit)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/stats", "stats", "How much is stored"), func(ctx context.Context, _ *struct{}) (*answer[*query.Stats], error) {
		out, err := s.desk.Stats(ctx)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/me", "me", "Who asks"), func(ctx context.Context, _ *struct{}) (*answer[Me], error) {
		holder := access.From(ctx)
		me := Me{Name: holder.Name, Role: holder.Role.String(), Services: append([]string{}, holder.Services...)}
		asOf := s.desk.AsOf(ctx)
		if asOf.IsZero() {
			return answered(me, nil, nil)
		}
		return answered(me, &asOf, nil)
	})
}
