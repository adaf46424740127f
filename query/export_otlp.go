package query

import (
	"context"
	"encoding/json"
	"io"
	"strconv"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// OTLP writes one OTLP JSON request a line (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/):
// a hop that has ended as a span, and every other record as a log. Where a hop starts is in its span.
func (e *Export) OTLP(ctx context.Context, w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return e.each(ctx, func(entry *store.Entry, r *record.Record) error {
		switch {
		case r.Kind == record.KindHopEnd && r.TraceID != "" && r.SpanID != "":
			return enc.Encode(map[string]any{"resourceSpans": []any{map[string]any{
				"resource": resourceOf(r), "scopeSpans": []any{map[string]any{"spans": []any{spanOf(r)}}},
			}}})
		case r.Kind == record.KindHopStart:
			return nil
		}
		return enc.Encode(map[string]any{"resourceLogs": []any{map[string]any{
			"resource": resourceOf(r), "scopeLogs": []any{map[string]any{"scope": map[string]any{"name": r.Logger}, "logRecords": []any{logOf(entry.ID, r)}}},
		}}})
	})
}

// attributes are OTLP's, in the order in which they are given.
type attributes []any

// add leaves out what is empty.
func (a *attributes) add(key, value string) {
	if value != "" {
		*a = append(*a, map[string]any{"key": key, "value": map[string]any{"stringValue": value}})
	}
}

func (a *attributes) number(key string, n int) {
	if n != 0 {
		*a = append(*a, map[string]any{"key": key, "value": map[string]any{"intValue": strconv.Itoa(n)}})
	}
}

func resourceOf(r *record.Record) map[string]any {
	a := attributes{}
	a.add("service.name", r.Service)
	a.add("service.version", r.ServiceVer)
	a.add("service.instance.id", r.Node)
	a.add("deployment.environment.name", r.Environment)
	return map[string]any{"attributes": a}
}

// attributesOf are what a log and a span have in common.
func attributesOf(r *record.Record) attributes {
	a := attributes{}
	a.add("correlation.id", r.CorrelationID)
	a.add("http.request.method", r.HTTP.Method)
	a.add("http.route", r.HTTP.Route)
	a.add("url.path", r.HTTP.Path)
	a.number("http.response.status_code", r.HTTP.Status)
	a.add("messaging.system", r.Messaging.System)
	a.add("messaging.operation.type", r.Messaging.Operation)
	a.add("messaging.destination.name", r.Messaging.Topic)
	a.add("messaging.consumer.group.name", r.Messaging.Group)
	a.number("messaging.message.attempt", r.Messaging.Attempt)
	if r.Messaging.HasOffset {
		a.add("messaging.destination.partition.id", strconv.Itoa(int(r.Messaging.Partition)))
		a.add("messaging.kafka.offset", strconv.FormatInt(r.Messaging.Offset, 10))
	}
	a.add("exception.type", r.Error.Type)
	a.add("exception.message", r.Error.Message)
	a.add("exception.stacktrace", r.Error.Stack)
	for _, l := range r.Labels {
		a.add(l.Key, l.Value)
	}
	return a
}

// severities are the numbers of levels, by OTLP's logs.proto.
var severities = map[string]int{"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17}

func logOf(id string, r *record.Record) map[string]any {
	a := attributesOf(r)
	a.add("log.record.uid", id)
	a.add("code.file.path", r.Origin.File)
	a.number("code.line.number", r.Origin.Line)
	a.add("code.function.name", r.Origin.Function)
	return map[string]any{
		"timeUnixNano": strconv.FormatInt(r.Time.UnixNano(), 10), "severityNumber": severities[r.Level], "severityText": r.Level,
		"body": map[string]any{"stringValue": r.Message}, "traceId": r.TraceID, "spanId": r.SpanID, "attributes": a,
	}
}

// spanKinds are the numbers of kinds, by OTLP's trace.proto.
var spanKinds = map[string]int{"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}

func spanOf(r *record.Record) map[string]any {
	status := map[string]any{}
	if r.Outcome == record.Failure {
		status = map[string]any{"code": 2, "message": r.Error.Message}
	}
	links := []any{}
	for _, l := range r.Links {
		a := attributes{}
		a.add("correlation.id", l.CorrelationID)
		links = append(links, map[string]any{"traceId": l.TraceID, "spanId": l.SpanID, "attributes": a})
	}
	return map[string]any{
		"traceId": r.TraceID, "spanId": r.SpanID, "parentSpanId": r.ParentID, "name": r.SpanName, "kind": spanKinds[r.SpanKind],
		"startTimeUnixNano": strconv.FormatInt(r.Time.Add(-r.Duration).UnixNano(), 10), "endTimeUnixNano": strconv.FormatInt(r.Time.UnixNano(), 10),
		"attributes": attributesOf(r), "links": links, "status": status,
	}
}
