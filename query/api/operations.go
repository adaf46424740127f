package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

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

	type at struct {
		Partition int32 `path:"partition" minimum:"0" maximum:"2147483647" doc:"Of the topic of dead letters, as a letter's ID begins" example:"2"`
		Offset    int64 `path:"offset" minimum:"0" doc:"In that partition, as a letter's ID ends" example:"17"`
	}
	add(s, get("/deadletters/{partition}/{offset}", "get-dead-letter", "One dead letter, with its value"), func(ctx context.Context, in *at) (*answer[*query.WholeLetter], error) {
		out, err := s.desk.DeadLetter(ctx, query.LetterAt(*in))
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, huma.Operation{
		Method: http.MethodPost, Path: base + "/deadletters/{partition}/{offset}/replay", OperationID: "replay-dead-letter", Summary: "Send a dead letter's message again to where it lay",
		Description: "A record that is stored by then is not stored twice, so a replay can be repeated. The letter stays where it is; what cannot be stored this time either is another one. 409 where the letter has not the whole message.",
	}, func(ctx context.Context, in *at) (*answer[*query.Replayed], error) {
		out, err := s.desk.ReplayLetter(ctx, query.LetterAt(*in))
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/lag", "list-lags", "How far the collectors and other consumer groups have come, and through when all is stored"), func(ctx context.Context, in *struct {
		Limit int `query:"limit" minimum:"1" maximum:"1000" default:"200"`
	}) (*answer[*query.Lags], error) {
		out, err := s.desk.Lags(ctx, in.Limit)
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
		return answered(me, &asOf, nil)
	})
}
