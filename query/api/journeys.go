package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/waybill-log/waybill/query"
)

// Listed asks for a page of a list.
type Listed struct {
	Q      string `query:"q" maxLength:"8192" doc:"What is asked for, in the query language" example:"verdict:stalled visited:bank took>2s since:1h"`
	Cursor string `query:"cursor" maxLength:"1024" doc:"Where the page before ended, as it says in next"`
}

// Named asks for one journey. Any spelling of its ID will do.
type Named struct {
	ID string `path:"id" minLength:"1" maxLength:"2048" doc:"Its correlation ID in any spelling, a trace ID, a traceparent, an alias, its beginning or its last 8 characters"`
}

func (s *server) journeys() {
	add(s, get("/journeys", "list-journeys", "Journeys, the newest first"), func(ctx context.Context, in *struct {
		Listed
		Limit int `query:"limit" minimum:"1" maximum:"500" default:"50"`
	}) (*answer[*query.Journeys], error) {
		out, err := s.desk.Journeys(ctx, in.Q, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	one := get("/journeys/{id}", "get-journey", "One journey: its verdict, hops, legs and records")
	one.Responses = content("The journey; with raw, its records as they were written, one a line", map[string]*huma.MediaType{
		"application/json": {Schema: s.schema(query.Journey{})}, ndjson: {},
	})
	add(s, one, s.journey)

	add(s, get("/journeys/{id}/records", "records-of-journey", "Some of a journey's records, in causal order"), func(ctx context.Context, in *struct {
		Named
		Revision string `query:"revision" maxLength:"64" doc:"As the journey's answer has it: what is answered is of the journey as it was then, and quick. 410 where that is not kept any more: ask for the journey anew. As the journey is now where there is none"`
		Hop      string `query:"hop" maxLength:"512" doc:"Only the records of that hop"`
		Around   string `query:"around" maxLength:"512" doc:"event.id of a record that is to be in the middle, whatever from says"`
		From     int    `query:"from" minimum:"0" maximum:"1000000" default:"0" doc:"The place of the first"`
		Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
	}) (*answer[*query.JourneyRecords], error) {
		out, err := s.desk.JourneyRecords(ctx, in.ID, query.Excerpt{Revision: in.Revision, Hop: in.Hop, Around: in.Around, From: in.From, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	add(s, get("/journeys/{id}/diff", "diff-journey", "How a journey departs from the usual, or from another"), func(ctx context.Context, in *struct {
		Named
		With string `query:"with" maxLength:"2048" default:"usual" doc:"usual, or the ID of another journey"`
	}) (*answer[*query.Difference], error) {
		out, err := s.desk.Diff(ctx, in.ID, in.With)
		if err != nil {
			return nil, err
		}
		return answered(out, out.AsOf, nil)
	})

	s.export()

	add(s, huma.Operation{Method: http.MethodDelete, Path: base + "/journeys/{id}", OperationID: "erase-journey", Summary: "Erase a journey: no answer shows it any more"},
		func(ctx context.Context, in *Named) (*struct{}, error) {
			return &struct{}{}, s.desk.Erase(ctx, in.ID)
		})
}

// asked asks for one journey and some of its records.
type asked struct {
	Named
	Records string `query:"records" pattern:"^[0-9]{1,6},[0-9]{1,5}$" doc:"offset,limit: which of its records, for journeys that have many; the rest of the answer tells of up to 100,000" example:"20000,500"`
	View    string `query:"view" enum:"whole,head" default:"whole" doc:"head: none of its records, for journeys that have many; they are asked for with the answer's revision"`
	Raw     bool   `query:"raw" doc:"The records as they were written, one a line, and nothing else"`
}

func (in *asked) window() (w query.Window, err error) {
	if w.None = in.View == "head"; in.Records == "" {
		return w, nil
	}
	if w.None {
		p := newProblem(http.StatusBadRequest, "a view of the head has no records; leave out records, or view")
		p.Field = "records"
		return w, p
	}
	from, limit, _ := strings.Cut(in.Records, ",")
	if w.From, err = strconv.Atoi(from); err == nil {
		w.Limit, err = strconv.Atoi(limit)
	}
	if err != nil || w.Limit < 1 || w.Limit > maxWindow {
		p := newProblem(http.StatusBadRequest, "records are offset,limit, such as 20000,500, with a limit of 1 to "+strconv.Itoa(maxWindow))
		p.Field = "records"
		return w, p
	}
	return w, nil
}

// maxWindow is how many records of a journey are in one answer.
const maxWindow = 10_000

func (s *server) journey(ctx context.Context, in *asked) (*streamed, error) {
	if in.Raw {
		return s.exported(ctx, in.ID, "ndjson", false)
	}
	w, err := in.window()
	if err != nil {
		return nil, err
	}
	j, err := s.desk.Journey(ctx, in.ID, w)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(j); err != nil {
		return nil, err
	}
	return &streamed{AsOf: header(j.AsOf), Body: func(c huma.Context) {
		c.SetHeader("Content-Type", "application/json")
		c.SetStatus(http.StatusOK)
		_, _ = c.BodyWriter().Write(body.Bytes()) // else the client is gone
	}}, nil
}
