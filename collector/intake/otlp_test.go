package intake

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/waybill-log/waybill/record"
)

const (
	traceA = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanA  = "00f067aa0ba902b7"
	spanB  = "00f067aa0ba902b8"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 7, time.UTC)

func unhex(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}

func str(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

func num(n int64) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}}
}

func listed(vs ...*common.AnyValue) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: vs}}}
}

func group(kvs ...*common.KeyValue) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: kvs}}}
}

// kv makes attributes of keys and texts, or other values.
func kv(pairs ...any) (out []*common.KeyValue) {
	for i := 0; i < len(pairs); i += 2 {
		v, ok := pairs[i+1].(*common.AnyValue)
		if !ok {
			v = str(pairs[i+1].(string))
		}
		out = append(out, &common.KeyValue{Key: pairs[i].(string), Value: v})
	}
	return out
}

func logsOf(attributes []*common.KeyValue, records ...*logs.LogRecord) *collogs.ExportLogsServiceRequest {
	return &collogs.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource:  &resource.Resource{Attributes: attributes},
		ScopeLogs: []*logs.ScopeLogs{{Scope: &common.InstrumentationScope{Name: "scope", Version: "1"}, LogRecords: records}},
	}}}
}

func spansOf(attributes []*common.KeyValue, spans ...*trace.Span) *coltrace.ExportTraceServiceRequest {
	return &coltrace.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: attributes},
		ScopeSpans: []*trace.ScopeSpans{{Scope: &common.InstrumentationScope{Name: "scope"}, Spans: spans}},
	}}}
}

func encoded(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// export sends a request as protobuf and returns the records it became.
func export(t *testing.T, in *Intake, k *topic, m proto.Message) []record.Record {
	t.Helper()
	path := "/v1/logs"
	if _, ok := m.(*coltrace.ExportTraceServiceRequest); ok {
		path = "/v1/traces"
	}
	if w := post(in.OTLP(), path, typeProtobuf, encoded(t, m)); w.Code != 200 || w.Header().Get("Content-Type") != typeProtobuf {
		t.Fatalf("%d %s %s", w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return k.records(t)
}

func wantRecord(t *testing.T, got, want record.Record) {
	t.Helper()
	got.Raw, got.Version, got.CorrelationKey = nil, 0, ""
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("\n got %s\nwant %s", g, w)
	}
}

func TestALogRecordIsMapped(t *testing.T) {
	in, k := newIntake(Config{})
	got := export(t, in, k, logsOf(
		kv("service.name", "mail", "service.version", "2", "deployment.environment.name", "prod", "service.instance.id", "i-1", "host.name", "h"),
		&logs.LogRecord{
			TimeUnixNano: uint64(noon.UnixNano()), ObservedTimeUnixNano: 5, SeverityNumber: logs.SeverityNumber_SEVERITY_NUMBER_WARN2, SeverityText: "error",
			Body: str("sent"), TraceId: unhex(traceA), SpanId: unhex(spanA), EventName: "mail.sent", DroppedAttributesCount: 3,
			Attributes: kv("correlation.id", "Order-1", "log.record.uid", "01ARZ", "code.function.name", "f", "code.filepath", "f.go", "code.lineno", num(7),
				"exception.type", "E", "exception.message", "no", "exception.stacktrace", "at",
				"http.method", "GET", "http.status_code", num(404), "http.target", "/a?secret=1", "http.route", "/{x}",
				"messaging.system", "kafka", "messaging.operation", "publish", "messaging.destination.name", "orders", "messaging.kafka.message.offset", num(15),
				"messaging.kafka.destination.partition", num(2), "messaging.kafka.consumer.group", "g", "messaging.client_id", "c",
				"twice", "1", "twice", "2", "g", group(kv("a", num(math.MaxInt64), "b", group(kv("c", "deep")...))...), "list", listed(num(1), str("x"), nil),
				"bytes", &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: []byte{1, 2}}},
				"float", &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: math.NaN()}}, "a\x00b", "control"),
		}))
	wantRecord(t, got[0], record.Record{
		Time: noon, Level: "warn", Message: "sent", Logger: "scope", Origin: record.Origin{File: "f.go", Line: 7, Function: "f"},
		Service: "mail", ServiceVer: "2", Environment: "prod", Node: "i-1", ID: "uid:01ARZ", Kind: record.KindLog,
		CorrelationID: "Order-1", TraceID: traceA, SpanID: spanA,
		HTTP:      record.HTTP{Method: "GET", Route: "/{x}", Path: "/a", Status: 404},
		Messaging: record.Messaging{System: "kafka", Operation: "send", Topic: "orders", Partition: 2, Offset: 15, HasOffset: true, Group: "g"},
		Error:     record.Error{Type: "E", Message: "no", Stack: "at"},
		Labels: []record.Label{
			{Key: "host.name", Value: "h"}, {Key: "otel.scope.version", Value: "1"}, {Key: `a\x00b`, Value: "control"}, {Key: "bytes", Value: "AQI="}, {Key: "float", Value: "NaN"},
			{Key: "g.a", Value: "9223372036854775807"}, {Key: "g.b.c", Value: "deep"}, {Key: "list", Value: `[1,"x",null]`}, {Key: "messaging.client.id", Value: "c"},
			{Key: "twice", Value: "2"}, {Key: "event.name", Value: "mail.sent"}, {Key: "otel.dropped_attributes_count", Value: "3"},
		},
	})
	for n, want := range map[logs.SeverityNumber]string{1: "trace", 5: "debug", 9: "info", 12: "info", 13: "warn", 17: "error", 24: "error"} {
		if got := export(t, in, k, logsOf(nil, &logs.LogRecord{SeverityNumber: n, Body: group(kv("k", listed())...)})); got[0].Level != want || got[0].Message != `{"k":[]}` {
			t.Errorf("severity %d is %s, message %s", n, got[0].Level, got[0].Message)
		}
	}
	for text, want := range map[string]string{"": "", "INFO+2": "info", "Warning": "warn", "Fatal": "error", "odd": "odd"} {
		if got := export(t, in, k, logsOf(nil, &logs.LogRecord{SeverityText: text})); got[0].Level != want || got[0].CorrelationID != "" {
			t.Errorf("severity %q is %q", text, got[0].Level)
		}
	}
}

func TestASpanIsAHop(t *testing.T) {
	in, k := newIntake(Config{})
	got := export(t, in, k, spansOf(kv("service.name", "mail"), &trace.Span{
		TraceId: unhex(traceA), SpanId: unhex(spanA), ParentSpanId: unhex(spanB), Name: "process orders", Kind: trace.Span_SPAN_KIND_CONSUMER,
		StartTimeUnixNano: uint64(noon.UnixNano()), EndTimeUnixNano: uint64(noon.Add(time.Second).UnixNano()),
		Attributes: kv("messaging.message.conversation_id", "Order-1", "error.type", "500", "http.response.status_code", num(500)),
		Links:      []*trace.Span_Link{{TraceId: unhex(traceA), SpanId: unhex(spanB), Attributes: kv("correlation.id", "Order-2")}, {}},
		Events:     []*trace.Span_Event{{Name: "exception", TimeUnixNano: uint64(noon.UnixNano() + 1), Attributes: kv("exception.type", ".string", "exception.message", "boom")}, {Name: "done"}},
		Status:     &trace.Status{Code: trace.Status_STATUS_CODE_ERROR, Message: "failed"},
	}))
	if len(got) != 4 {
		t.Fatalf("%d records", len(got))
	}
	hop := record.Record{
		Time: noon, Level: "info", Message: "process orders", Logger: "scope", Service: "mail", ID: "span:" + traceA + "-" + spanA + "-start", Kind: record.KindHopStart,
		CorrelationID: "Order-1", TraceID: traceA, SpanID: spanA, ParentID: spanB, SpanName: "process orders", SpanKind: "consumer",
		Links: []record.Link{{TraceID: traceA, SpanID: spanB, CorrelationID: "Order-2"}}, HTTP: record.HTTP{Status: 500},
		Labels: []record.Label{{Key: "messaging.message.conversation_id", Value: "Order-1"}},
	}
	wantRecord(t, got[0], hop)
	wantRecord(t, got[1], record.Record{
		Time: noon.Add(1), Level: "error", Message: "boom", Logger: "scope", Service: "mail", ID: "span:" + traceA + "-" + spanA + "-event-0", Kind: record.KindLog,
		CorrelationID: "Order-1", TraceID: traceA, SpanID: spanA, Error: record.Error{Type: ".string", Message: "boom"}, Labels: []record.Label{{Key: "event.name", Value: "exception"}},
	})
	if e := got[2]; e.Message != "done" || !e.Time.Equal(noon.Add(time.Second)) || e.CorrelationID != "Order-1" {
		t.Errorf("%+v", e)
	}
	hop.Time, hop.Level, hop.ID, hop.Kind, hop.Outcome, hop.Duration = noon.Add(time.Second), "error", "span:"+traceA+"-"+spanA+"-end", record.KindHopEnd, record.Failure, time.Second
	hop.Error = record.Error{Type: "string", Message: "boom"}
	wantRecord(t, got[3], hop)

	w := post(in.OTLP(), "/v1/traces", typeProtobuf, encoded(t, spansOf(nil,
		&trace.Span{SpanId: unhex(spanA)}, &trace.Span{TraceId: unhex(traceA), SpanId: make([]byte, 8)}, &trace.Span{TraceId: unhex(traceA), SpanId: unhex(spanA)})))
	var answer coltrace.ExportTraceServiceResponse
	if err := proto.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.GetPartialSuccess().GetRejectedSpans() != 2 || answer.GetPartialSuccess().GetErrorMessage() == "" {
		t.Errorf("%d %v %v", w.Code, err, &answer)
	}
	if got := k.records(t); len(got) != 2 || got[1].Outcome != record.Success || got[1].SpanKind != "internal" {
		t.Errorf("%+v", got)
	}
}

// As a collector writes it: hexadecimal IDs, numbers as text, names it may not know.
func TestOTLPInJSON(t *testing.T) {
	in, k := newIntake(Config{})
	body := `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"mail"}}]},"new":{"x":[1]},"scopeLogs":[{"logRecords":[{
		"timeUnixNano":"` + fmt.Sprint(noon.UnixNano()) + `","severityNumber":9,"body":{"stringValue":"sent"},"traceId":"` + strings.ToUpper(traceA) + `","spanId":"` + spanA + `","flags":1,
		"attributes":[{"key":"n","value":{"intValue":"9007199254740993"}}]}]}]}]}`
	for _, header := range [][]string{nil, {"Content-Encoding", "zstd"}, {"Content-Encoding", "gzip"}} {
		b := []byte(body)
		if header != nil {
			b = map[string]func([]byte) []byte{"zstd": zstded, "gzip": gzipped}[header[1]](b)
		}
		w := post(in.OTLP(), "/v1/logs", typeJSON+"; charset=utf-8", b, header...)
		if w.Code != 200 || w.Body.String() != "{}" || w.Header().Get("Content-Type") != typeJSON {
			t.Fatalf("%v: %d %s", header, w.Code, w.Body)
		}
		if r := k.records(t)[0]; r.TraceID != traceA || r.SpanID != spanA || r.Message != "sent" || label(r, "n") != "9007199254740993" || !r.Time.Equal(noon) || r.CorrelationID != traceA {
			t.Errorf("%s", r.Raw)
		}
	}
	w := post(in.OTLP(), "/v1/traces", typeJSON, []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"}]}]}]}`))
	if !strings.Contains(strings.ReplaceAll(w.Body.String(), " ", ""), `"rejectedSpans":"1"`) {
		t.Errorf("%s", w.Body)
	}
}

func TestWhatCannotBeTakenHasItsStatus(t *testing.T) {
	in, k := newIntake(Config{MaxBytes: 1 << 20, Token: "secret"})
	good := encoded(t, logsOf(nil, &logs.LogRecord{Body: str("m")}))
	deep := str("bottom")
	for range 10_000 {
		deep = listed(deep)
	}
	deepJSON := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":` + strings.Repeat(`{"arrayValue":{"values":[`, 10_000) + `{}` + strings.Repeat(`]}}`, 10_000) + `}]}]}]}`
	many := []byte{}
	for range 500_000 { // empty ResourceLogs: two bytes here, a hundred in memory
		many = append(many, 0x0A, 0x00)
	}
	f := func(name string, code int, media string, body []byte, header ...string) {
		t.Helper()
		w := post(in.OTLP(), "/v1/logs", media, body, append([]string{"Authorization", "Bearer secret"}, header...)...)
		var s status.Status
		var err error
		if media == typeJSON {
			err = protojson.Unmarshal(w.Body.Bytes(), &s)
		} else {
			err = proto.Unmarshal(w.Body.Bytes(), &s)
		}
		if w.Code != code || code != 200 && (err != nil || s.Message == "") || len(k.messages) != 0 && code != 200 {
			t.Errorf("%s: %d %v %.200q, want %d", name, w.Code, err, w.Body, code)
		}
	}
	f("good", 200, typeProtobuf, good)
	f("empty", 200, typeProtobuf, nil)
	f("empty object", 200, typeJSON, []byte("{}"))
	k.records(t)
	f("no token", 401, typeProtobuf, good, "Authorization", "Bearer wrong")
	f("truncated", 400, typeProtobuf, good[:len(good)-1])
	f("not protobuf", 400, typeProtobuf, []byte("nonsense"))
	f("not JSON", 400, typeJSON, []byte("nonsense"))
	f("truncated JSON", 400, typeJSON, []byte(`{"resourceLogs":[`))
	f("wrong type in JSON", 400, typeJSON, []byte(`{"resourceLogs":7}`))
	f("deep", 400, typeProtobuf, encoded(t, logsOf(kv("a", deep), &logs.LogRecord{})))
	f("deep JSON", 400, typeJSON, []byte(deepJSON))
	f("media type", 415, "text/plain", good)
	f("encoding", 415, typeProtobuf, good, "Content-Encoding", "br")
	f("not gzip", 400, typeProtobuf, good, "Content-Encoding", "gzip")
	f("truncated gzip", 400, typeProtobuf, gzipped(good)[:20], "Content-Encoding", "gzip")
	f("not zstd", 400, typeProtobuf, good, "Content-Encoding", "zstd")
	f("too large", 413, typeProtobuf, make([]byte, 1<<20+1))
	f("many values", 200, typeProtobuf, many)
	if w := post(in.OTLP(), "/v1/metrics", typeProtobuf, good); w.Code != 404 {
		t.Errorf("metrics: %d", w.Code)
	}
	r, _ := http.NewRequest(http.MethodGet, "/v1/logs", nil)
	w := post(in.OTLP(), "/v1/logs", typeProtobuf, good)
	if h, _ := in.OTLP().(*http.ServeMux).Handler(r); w.Code != 401 || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("without a token: %d %v", w.Code, w.Header())
	} else if h.ServeHTTP(w, r); w.Header().Get("Allow") != "POST" {
		t.Errorf("GET may use %q", w.Header().Get("Allow"))
	}
	if in.memory.free != in.memory.all {
		t.Errorf("%d of %d bytes are free afterwards", in.memory.free, in.memory.all)
	}
}

// A bomb is refused at the limit, not where memory ends.
func TestBombsDoNotExpandBeyondTheLimit(t *testing.T) {
	const limit, whole = 1 << 20, 256 << 20
	in, _ := newIntake(Config{MaxBytes: limit})
	for _, encoding := range []string{"gzip", "zstd"} {
		bomb := bombs(t, encoding, whole)
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w := post(in.OTLP(), "/v1/logs", typeProtobuf, bomb, "Content-Encoding", encoding)
		runtime.ReadMemStats(&after)
		grown := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes expand to %d, refused after allocating %d in all", encoding, len(bomb), whole, grown)
		if w.Code != 413 || grown > 24*limit {
			t.Errorf("%s: %d, %d bytes allocated", encoding, w.Code, grown)
		}
	}
}

// bombs compresses that many zeros, piece by piece.
func bombs(t *testing.T, encoding string, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	var z io.WriteCloser = gzip.NewWriter(&out)
	if encoding == "zstd" {
		var err error
		if z, err = zstd.NewWriter(&out); err != nil {
			t.Fatal(err)
		}
	}
	for piece := make([]byte, 1<<20); size > 0; size -= len(piece) {
		z.Write(piece)
	}
	z.Close()
	return out.Bytes()
}

func TestOddRecordsAreTakenWithinBounds(t *testing.T) {
	in, k := newIntake(Config{})
	one := func(l *logs.LogRecord) record.Record {
		t.Helper()
		got := export(t, in, k, logsOf(kv("service.name", strings.Repeat("s", 1<<20)), l))
		if len(got) != 1 || len(got[0].Service) > 3<<10 || len(got[0].Raw) > record.MaxBytes {
			t.Errorf("%d records, %.300s", len(got), got[0].Raw)
		}
		return got[0]
	}
	var many []*common.KeyValue
	for n := range 100_000 {
		many = append(many, kv(fmt.Sprintf("k%06d", n), "v")...)
	}
	if r := one(&logs.LogRecord{Attributes: many}); len(r.Labels) != maxLabels+1 || label(r, "waybill.cut") != "more than 512 labels" || label(r, "k000100") != "v" {
		t.Errorf("%d labels, %q", len(r.Labels), label(r, "waybill.cut"))
	}
	if r := one(&logs.LogRecord{Body: str(strings.Repeat("\x01", 2<<20)), Attributes: kv(strings.Repeat("k", 1000), strings.Repeat("v", 1<<20))}); !strings.HasSuffix(r.Message, record.CutMark) ||
		label(r, "waybill.cut") != "message" || !strings.HasSuffix(label(r, strings.Repeat("k", 256)+record.CutMark), record.CutMark) {
		t.Errorf("%d bytes of message, %q", len(r.Message), label(r, "waybill.cut"))
	}
	var long []*common.KeyValue
	for n := range 400 {
		long = append(long, kv(fmt.Sprint("\x01", n), strings.Repeat("\x01", 30<<10))...)
	}
	if r := one(&logs.LogRecord{Body: str(strings.Repeat("\x01", 1<<20)), Attributes: long, EventName: strings.Repeat("\x01", 1<<20)}); label(r, "waybill.cut") == "" {
		t.Errorf("%d labels", len(r.Labels))
	}
	deep := group(kv("bottom", "x")...)
	for range 100 {
		deep = group(kv("g", deep)...)
	}
	if r := one(&logs.LogRecord{Attributes: kv("a", deep)}); !strings.HasSuffix(r.Labels[0].Value+r.Labels[1].Value, `{"bottom":"x"}`+strings.Repeat("}", 84)) {
		t.Errorf("%+v", r.Labels)
	}

	at := func(time, observed uint64) record.Record {
		return one(&logs.LogRecord{TimeUnixNano: time, ObservedTimeUnixNano: observed})
	}
	now := uint64(time.Now().UnixNano())
	if r := at(0, 7e18); r.Time.UnixNano() != 7e18 {
		t.Errorf("observed: %v", r.Time)
	}
	if r := at(math.MaxUint64, 7e18); r.Time.UnixNano() != 7e18 || label(r, "waybill.time") != "2554-07-21T23:34:33.709551615Z" {
		t.Errorf("year 2554: %v, %q", r.Time, label(r, "waybill.time"))
	}
	if r := at(5, 0); uint64(r.Time.UnixNano()) < now || label(r, "waybill.time") != "1970-01-01T00:00:00.000000005Z" {
		t.Errorf("1970: %v, %q", r.Time, label(r, "waybill.time"))
	}
	if r := at(0, 0); uint64(r.Time.UnixNano()) < now || r.ID == at(0, 0).ID {
		t.Errorf("no time: %v", r.Time)
	}
	if r := one(&logs.LogRecord{TraceId: []byte{1, 2, 3}, SpanId: unhex(spanA), Attributes: kv("correlation.id", "a b")}); r.TraceID != "" || r.SpanID != "" || r.CorrelationID != "" ||
		label(r, "waybill.trace") != "not a trace or span ID: 010203" || label(r, "waybill.correlation") == "" {
		t.Errorf("%s", r.Raw[3<<10:])
	}
	if r := one(&logs.LogRecord{Attributes: kv("log.record.uid", strings.Repeat("u", 501))}); len(r.ID) != len("uid-sha256:")+64 {
		t.Errorf("a name of 501 bytes is %s", r.ID)
	}

	// Where Go would not encode it: a text that is not UTF-8.
	body := bytes.ReplaceAll(encoded(t, logsOf(nil, &logs.LogRecord{Body: str("a??b"), Attributes: kv("k??", "v")})), []byte("??"), []byte{0xFF, 0xC0})
	if w := post(in.OTLP(), "/v1/logs", typeProtobuf, body); w.Code != 200 {
		t.Fatalf("%d %q", w.Code, w.Body)
	}
	if r := k.records(t)[0]; r.Message != "a??b" || label(r, "k??") != "v" {
		t.Errorf("%s", r.Raw)
	}
}

func TestTooManyRecordsAreRefusedWhole(t *testing.T) {
	in, k := newIntake(Config{})
	records := make([]*logs.LogRecord, maxRecords+1)
	for i := range records {
		records[i] = &logs.LogRecord{}
	}
	if w := post(in.OTLP(), "/v1/logs", typeProtobuf, encoded(t, logsOf(nil, records...))); w.Code != 413 || len(k.messages) != 0 {
		t.Errorf("%d records: %d %q", len(records), w.Code, w.Body)
	}
	// Each repeats what its resource says.
	if w := post(in.OTLP(), "/v1/logs", typeProtobuf, encoded(t, logsOf(kv("k", strings.Repeat("v", 30<<10)), records[:5000]...))); w.Code != 413 || len(k.messages) != 0 {
		t.Errorf("a large resource: %d %q", w.Code, w.Body)
	}
	values := make([]*common.AnyValue, maxValues)
	for i := range values {
		values[i] = &common.AnyValue{}
	}
	if w := post(in.OTLP(), "/v1/logs", typeProtobuf, encoded(t, logsOf(kv("k", listed(values...)), &logs.LogRecord{}))); w.Code != 413 || !strings.Contains(w.Body.String(), "values") {
		t.Errorf("many values: %d %q", w.Code, w.Body)
	}
	if in.memory.free != in.memory.all {
		t.Errorf("%d of %d bytes are free afterwards", in.memory.free, in.memory.all)
	}
}

// What all requests under way take is bounded; who comes too late is told to come again.
func TestRequestsWaitForMemoryOutside(t *testing.T) {
	in, k := newIntake(Config{MemoryBytes: 1 << 20})
	k.wait = make(chan struct{})
	body := encoded(t, logsOf(nil, &logs.LogRecord{Body: str(strings.Repeat("m", 200<<10))}))
	first := make(chan int)
	go func() { first <- post(in.OTLP(), "/v1/logs", typeProtobuf, body).Code }()
	<-k.arrived // it holds its bytes while Kafka has not answered
	if w := post(in.OTLP(), "/v1/logs", typeProtobuf, body); w.Code != 429 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("second: %d %v", w.Code, w.Header())
	}
	close(k.wait)
	if code := <-first; code != 200 {
		t.Errorf("first: %d", code)
	}
	if w := post(in.OTLP(), "/v1/logs", typeProtobuf, body); w.Code != 200 || in.taken() != 0 {
		t.Errorf("third: %d, %d bytes taken", w.Code, in.taken())
	}
	if w := post(in.OTLP(), "/v1/logs", typeProtobuf, make([]byte, 1100<<10)); w.Code != 413 {
		t.Errorf("more than there is: %d", w.Code)
	}
}

func (in *Intake) taken() int {
	in.memory.mu.Lock()
	defer in.memory.mu.Unlock()
	return in.memory.all - in.memory.free
}

func TestNothingIsAcknowledgedBeforeKafkaHasIt(t *testing.T) {
	in, k := newIntake(Config{ShipTimeout: time.Millisecond})
	k.wait = make(chan struct{})
	body := encoded(t, logsOf(nil, &logs.LogRecord{Body: str("m"), TimeUnixNano: 7e18}, &logs.LogRecord{Body: str("m"), TimeUnixNano: 7e18}))
	if w := post(in.OTLP(), "/v1/logs", typeProtobuf, body); w.Code != 503 || w.Header().Get("Retry-After") != "5" || in.taken() == 0 {
		t.Errorf("no answer: %d %v, %d bytes taken", w.Code, w.Header(), in.taken())
	}
	close(k.wait)
	in.shipping.Wait()
	late := k.records(t) // Kafka took them after all
	k.wait, k.away, in.cfg.ShipTimeout = nil, true, time.Minute
	if w := post(in.Records(), "/api/v1/records", ndjson, []byte(`{"a":1}`)); w.Code != 503 || !strings.Contains(w.Body.String(), "send the same request again") {
		t.Errorf("away: %d %s", w.Code, w.Body)
	}
	k.away = false
	if w := post(in.OTLP(), "/v1/logs", typeProtobuf, body); w.Code != 200 {
		t.Errorf("back: %d", w.Code)
	}
	if got := k.records(t); ids(got) != ids(late) || len(got) != 2 || got[0].ID == got[1].ID || in.taken() != 0 {
		t.Errorf("sent again %s, at first %s", ids(got), ids(late))
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

func TestOTLPLearnsTheCorrelationIDOfATrace(t *testing.T) {
	in, k := newIntake(Config{})
	bare := &logs.LogRecord{Body: str("bare"), TraceId: unhex(traceA)}
	if got := messages(export(t, in, k, logsOf(nil, bare))); got != traceA+":bare" {
		t.Errorf("nothing is known: %s", got)
	}
	named := &logs.LogRecord{Body: str("named"), TraceId: unhex(traceA), Attributes: kv("baggage", "correlation.id=Order-1")}
	if got := messages(export(t, in, k, logsOf(nil, bare, named))); got != "Order-1:bare Order-1:named" {
		t.Errorf("told behind it: %s", got)
	}
	if got := messages(export(t, in, k, spansOf(nil, &trace.Span{TraceId: unhex(traceA), SpanId: unhex(spanA), Name: "s"}))); got != "Order-1:s Order-1:s" {
		t.Errorf("told by a log record: %s", got)
	}
	f := func(want string, resource, own []*common.KeyValue) {
		t.Helper()
		if got := export(t, in, k, logsOf(resource, &logs.LogRecord{TraceId: unhex(strings.Repeat("b", 32)), Attributes: own}))[0].CorrelationID; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f("own", kv("correlation.id", "resource"), kv("correlation.id", "own", "baggage.correlation.id", "baggage", "messaging.message.conversation_id", "conversation"))
	f("resource", kv("correlation.id", "resource"), kv("correlation.id", "\n", "baggage.correlation.id", "baggage"))
	f("baggage", nil, kv("baggage.correlation.id", "baggage", "messaging.message.conversation_id", "conversation"))
	f("conversation", nil, kv("messaging.message.conversation_id", "conversation"))
	f(strings.Repeat("b", 32), nil, nil) // several journeys share the trace
}

func FuzzOTLP(f *testing.F) {
	f.Add(true, encoded(f, logsOf(kv("service.name", "s"), &logs.LogRecord{TimeUnixNano: 7e18, Body: group(kv("a", listed(num(1)))...), TraceId: unhex(traceA), Attributes: kv("k", "v", "k", num(2))})))
	f.Add(false, encoded(f, spansOf(nil, &trace.Span{
		TraceId: unhex(traceA), SpanId: unhex(spanA), StartTimeUnixNano: 7e18, EndTimeUnixNano: 8e18, Links: []*trace.Span_Link{{SpanId: unhex(spanB)}},
		Events: []*trace.Span_Event{{Name: "exception", Attributes: kv("exception.message", "m")}}, Status: &trace.Status{Code: 2, Message: "m"},
	})))
	f.Fuzz(func(t *testing.T, isLogs bool, body []byte) {
		in, k := newIntake(Config{})
		s := &signals[0]
		if !isLogs {
			s = &signals[1]
		}
		send := func() []record.Record {
			l := in.memory.lease()
			if _, err := in.export(t.Context(), s, typeProtobuf, bytes.Clone(body), l); err != nil {
				t.Skip()
			}
			l.release()
			sent := k.messages
			records := k.records(t)
			for i := range records {
				if value, _ := sent[i].Value.Encode(); !bytes.Equal(record.Append(nil, &records[i]), value) {
					t.Errorf("not canonical: %s", value)
				}
			}
			return records
		}
		first := send()
		for i, r := range send() {
			if r.ID != first[i].ID && time.Since(r.Time) > time.Minute {
				t.Errorf("sent again: %s, before it was %s", r.ID, first[i].ID)
			}
		}
	})
}
