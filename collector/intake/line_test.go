package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/record"
)

var received = time.Date(2026, 11, 23, 15, 0, 0, 5, time.UTC)

const ndjson = "application/x-ndjson"

func TestLinesOfOurContractAreShippedByteForByte(t *testing.T) {
	in, k := newIntake(Config{})
	body, err := os.ReadFile("../../record/testdata/purchase.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	w := post(in.Records(), "/api/v1/records", ndjson, bytes.ReplaceAll(body, []byte("\n"), []byte(" \r\n\n")))
	if want := fmt.Sprintf(`{"accepted":%d,"refused_count":0,"refused":[]}`, len(k.messages)); w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
	var got []byte
	for _, m := range k.messages {
		value, _ := m.Value.Encode()
		got = append(append(got, value...), '\n')
	}
	if !bytes.Equal(got, body) {
		t.Errorf("got\n%s\nwant\n%s", got, body)
	}
	k.records(t)
}

func TestLinesWithOtherNamesAreMapped(t *testing.T) {
	trace, span := "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	at := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	f := func(text string, want record.Record) {
		t.Helper()
		_, d, err := readLine([]byte(text), received)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		d.finish()
		newTraces(9).correlate(d)
		if want.Time.IsZero() {
			want.Time = received
		}
		got := d.Record
		if want.ID == "" {
			got.ID = ""
		}
		got.Time = got.Time.UTC()
		if want, got := fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", got); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	labels := func(pairs ...string) (out []record.Label) {
		for i := 0; i < len(pairs); i += 2 {
			out = append(out, record.Label{Key: pairs[i], Value: pairs[i+1]})
		}
		return out
	}
	f(`{"@timestamp":"2026-11-23T14:00:00Z","message":"m","log.level":"WARNING","service.name":"s","trace.id":"`+trace+`","span.id":"`+span+`","correlation.id":"Order-1"}`,
		record.Record{Time: at, Message: "m", Level: "warn", Service: "s", TraceID: trace, SpanID: span, CorrelationID: "Order-1"})
	f(`{"timestamp":1795442400,"msg":"m","level":30,"service":"s","trace_id":"`+strings.ToUpper(trace)+`","span_id":"`+span+`"}`,
		record.Record{Time: at, Message: "m", Level: "info", Service: "s", TraceID: trace, SpanID: span, CorrelationID: trace})
	f(`{"time":"2026-11-23 14:00:00","body":"m","severity":"FATAL","service":{"name":"s","version":"2"},"dd.trace_id":"1234567890123456789","dd":{"span_id":"255"}}`,
		record.Record{Time: at, Message: "m", Level: "error", Service: "s", ServiceVer: "2", TraceID: "0000000000000000112210f47de98115", SpanID: "00000000000000ff", CorrelationID: "0000000000000000112210f47de98115"})
	f(`{"ts":1795442400.000000001,"log":{"level":"Debug","logger":"a.b","origin":{"file":{"name":"f.go","line":7},"function":"f"}},"event":{"id":"u"}}`,
		record.Record{Time: at.Add(1), Level: "debug", Logger: "a.b", Origin: record.Origin{File: "f.go", Line: 7, Function: "f"}, ID: "uid:u"})
	f(`{"@timestamp":"2026-11-23T14:00:00Z","ts":"other","error":{"type":"E","message":"no","stack_trace":"a\nb"},"x-correlation-id":"c"}`,
		record.Record{Time: at, CorrelationID: "c", Error: record.Error{Type: "E", Message: "no", Stack: "a\nb"}, Labels: labels("ts", "other")})
	f(`{"err":"boom","stacktrace":"at","message":null,"msg":"m"}`, record.Record{Message: "m", Error: record.Error{Message: "boom", Stack: "at"}, Labels: labels("message", "null")})
	f(`{"message":"m","a":{"b":1.50,"c":[1, {"d" : 2}],"e":{}},"a.b":true,"n":12345678901234567890,"labels":{"k":"v"},"attributes":{"http.method":"GET","http.status_code":503}}`,
		record.Record{Message: "m", HTTP: record.HTTP{Method: "GET", Status: 503}, Labels: labels("a.b", "true", "a.c", `[1,{"d":2}]`, "a.e", "{}", "k", "v", "n", "12345678901234567890")})
	f(`{"msg":"m","trace_id":"xyz","span_id":"`+span+`","correlation_id":"a b","conversation":1,"messaging.message.conversation_id":"c-1"}`,
		record.Record{Message: "m", CorrelationID: "c-1", Labels: labels("trace_id", "xyz", "conversation", "1", "messaging.message.conversation_id", "c-1",
			"waybill.correlation", "refused: 3 bytes, want 1 to 128 visible ASCII characters")})
	f(`{"msg":"m","baggage":"a=b,correlation.id=from%2Dbaggage"}`, record.Record{Message: "m", CorrelationID: "from-baggage", Labels: labels("baggage", "a=b,correlation.id=from%2Dbaggage")})
	f("{\"msg\":\"m\",\"bad\":\"\xff\",\"\\u0000k\":\"\\u0001\"}", record.Record{Message: "m", Labels: labels("\x00k", "\x01", "bad", "\uFFFD")})
}

func TestTimesOfAnyFormAreRead(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		got, ok := parseTime(text)
		if !ok {
			if want != "" {
				t.Errorf("%s is no time", text)
			}
			return
		}
		if got := got.UTC().Format(time.RFC3339Nano); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
	f("2026-11-23T14:00:00.123456789+02:00", "2026-11-23T12:00:00.123456789Z")
	f("2026-11-23T14:00:00+0200", "2026-11-23T12:00:00Z")
	f("2026-11-23 14:00:00,5", "2026-11-23T14:00:00.5Z")
	f("2026-11-23T14:00:00", "2026-11-23T14:00:00Z")
	f("1700000000", "2023-11-14T22:13:20Z")
	f("1700000000.000000001", "2023-11-14T22:13:20.000000001Z")
	f("1700000000123", "2023-11-14T22:13:20.123Z")
	f("1700000000123.456", "2023-11-14T22:13:20.123456Z")
	f("1700000000123456", "2023-11-14T22:13:20.123456Z")
	f("1700000000123456789", "2023-11-14T22:13:20.123456789Z")
	f("1.7e9", "2023-11-14T22:13:20Z")
	f("0", "1970-01-01T00:00:00Z")
	f("-1", "1969-12-31T23:59:59Z")
	f("9223372036854775807", "2262-04-11T23:47:16.854775807Z")
	f("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z")
	f("99999-01-01T00:00:00Z", "")
	f("tomorrow", "")
	f("NaN", "")
	f("1e300", "")
	f("1.x", "")
	f("", "")
}

func TestARefusedLineIsNamedAndTheOthersAreTaken(t *testing.T) {
	in, k := newIntake(Config{})
	lines := []string{
		`{"message":"one"}`, "", "nonsense", `[1]`, `{"message":"two"}`, `{"time":"never"}`, `{"a":`, `{}`, strings.Repeat(`{"a":`, 20_000) + strings.Repeat("}", 20_000),
		`{"message":"` + strings.Repeat("m", 2*record.MaxBytes) + `"}`, `{"message":"` + strings.Repeat("m", record.MaxBytes) + `"}`,
	}
	w := post(in.Records(), "/api/v1/records", ndjson, []byte(strings.Join(lines, "\n")))
	var got taken
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.Accepted != 3 || got.RefusedCount != 7 {
		t.Fatalf("%d %v %s", w.Code, err, w.Body)
	}
	for i, want := range []string{"3: not a JSON object", "4: not a JSON object", `6: time: "never" is not a time`, "7: unexpected end", "8: an object without members", "9: ", "10: 2000014 bytes, more than 2000000"} {
		if said := fmt.Sprintf("%d: %s", got.Refused[i].Line, got.Refused[i].Reason); !strings.HasPrefix(said, want) {
			t.Errorf("%q, want %q", said, want)
		}
	}
	records := k.records(t)
	if messages(records[:2]) != "-:one -:two" {
		t.Errorf("%s", messages(records))
	}
	if cut := records[2]; cut.Message != strings.Repeat("m", maxMessage)+record.CutMark || label(cut, "waybill.cut") != "message" {
		t.Errorf("a message of %d bytes, cut: %q", len(cut.Message), label(cut, "waybill.cut"))
	}

	if w := post(in.Records(), "/api/v1/records", ndjson, []byte(strings.Repeat("x\n", 200))); w.Code != 400 || json.Unmarshal(w.Body.Bytes(), &got) != nil ||
		got.Accepted != 0 || got.RefusedCount != 200 || len(got.Refused) != 100 || got.Refused[99].Line != 100 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := post(in.Records(), "/api/v1/records", ndjson, nil); w.Code != 200 || !strings.Contains(w.Body.String(), `"accepted":0`) {
		t.Errorf("an empty body: %d %s", w.Code, w.Body)
	}
	if w := post(in.Records(), "/api/v1/records", ndjson, bytes.Repeat([]byte("{\"a\":1}\n"), maxRecords+1)); w.Code != 413 || len(k.messages) != 0 {
		t.Errorf("too many lines: %d %s, %d shipped", w.Code, w.Body, len(k.messages))
	}
	if w := post(in.Records(), "/api/v1/records", "text/plain", []byte(`{"a":1}`)); w.Code != 415 {
		t.Errorf("text/plain: %d %s", w.Code, w.Body)
	}
	if w := post(in.Records(), "/api/v1/records", ndjson, gzipped([]byte(`{"message":"zipped"}`)), "Content-Encoding", "gzip"); w.Code != 200 || messages(k.records(t)) != "-:zipped" {
		t.Errorf("gzip: %d %s", w.Code, w.Body)
	}
	r, _ := http.NewRequest(http.MethodGet, "/api/v1/records", nil)
	if h, pattern := in.Records().(*http.ServeMux).Handler(r); pattern != "" || h == nil {
		t.Errorf("GET is handled by %s", pattern)
	}
}

// The same lines again are the same records; equal ones stay apart.
func TestARepeatedRequestOfLinesHasTheSameIDs(t *testing.T) {
	in, k := newIntake(Config{})
	body := []byte(`{"ts":1700000000,"msg":"a","b":1,"c":2}` + "\n" + `{"c":2,"b":1,"msg":"a","ts":1700000000}` + "\n" + `{"ts":1700000000,"msg":"a","b":1,"c":3}`)
	var first []record.Record
	for range 2 {
		post(in.Records(), "/api/v1/records", ndjson, body)
		got := k.records(t)
		if first == nil {
			first = got
		}
		if ids(got) != ids(first) || len(got) != 3 || got[0].ID == got[1].ID || got[1].ID != got[0].ID+"-2" || got[0].ID == got[2].ID {
			t.Errorf("%s, before it was %s", ids(got), ids(first))
		}
	}
	undated := []byte(`{"msg":"a"}`)
	post(in.Records(), "/api/v1/records", ndjson, undated)
	post(in.Records(), "/api/v1/records", ndjson, undated)
	if got := k.records(t); len(got) != 2 || got[0].ID == got[1].ID {
		t.Errorf("records without a time, received apart, are one: %s", ids(got))
	}
}

func TestLinesLearnTheCorrelationIDOfTheirTrace(t *testing.T) {
	in, k := newIntake(Config{})
	trace := strings.Repeat("a", 32)
	send := func(lines ...string) string {
		post(in.Records(), "/api/v1/records", ndjson, []byte(strings.Join(lines, "\n")))
		records := k.records(t)
		slices.SortFunc(records, func(a, b record.Record) int { return strings.Compare(a.Message, b.Message) })
		return messages(records)
	}
	at := func(message, rest string) string {
		return `{"ts":1700000000,"msg":"` + message + `","trace_id":"` + trace + `"` + rest + `}`
	}
	if got := send(at("1", "")); got != trace+":1" {
		t.Errorf("nothing is known: %s", got)
	}
	if got := send(at("1", ""), at("2", `,"correlation_id":"Order-1"`)); got != "Order-1:1 Order-1:2" {
		t.Errorf("told behind it: %s", got)
	}
	if got := send(at("3", "")); got != "Order-1:3" {
		t.Errorf("told before: %s", got)
	}
	own := record.Append(nil, &record.Record{Time: received, Node: "n", Sequence: 1, TraceID: strings.Repeat("b", 32), CorrelationID: "Order-2", Message: "own"})
	if got := send(string(own), strings.ReplaceAll(at("5", ""), trace, strings.Repeat("b", 32))); got != "Order-2:5 Order-2:own" {
		t.Errorf("told by a record of our own: %s", got)
	}
	if got := send(at("6", `,"correlation_id":"Order-3"`), at("7", "")); got != "Order-3:6 "+trace+":7" {
		t.Errorf("two journeys share the trace: %s", got)
	}
}

func TestOnlyTheTracesSeenLastAreRemembered(t *testing.T) {
	seen := newTraces(2)
	seen.learn("a", "1")
	seen.learn("b", "2")
	seen.of("a")
	seen.learn("c", "3")
	if seen.of("a") != "1" || seen.of("b") != "" || seen.of("c") != "3" || seen.order.Len() != 2 || len(seen.at) != 2 {
		t.Errorf("%v", seen.at)
	}
}

func FuzzLine(f *testing.F) {
	for _, seed := range []string{
		`{"@timestamp":"2026-11-23T14:00:00Z","message":"m","a":{"b":[1]},"dd.trace_id":"12","correlation_id":"\u0000","event.id":"x"}`,
		`{"ts":1e300,"level":60,"error":{"type":1}}`, `{"":{"":""},"labels.":1,"url.full":"%"}`, `{"a":"\ud800","b":"` + "\xff" + `"}`,
		`{"messaging.destination.partition.id":-1,"messaging.kafka.offset":"9223372036854775807","http.status_code":"1e3"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		in, k := newIntake(Config{})
		_, b, err := in.lines(text, in.memory.lease(), received)
		if err != nil {
			t.Skip()
		}
		k.messages = b.messages
		mapped := []record.Record{}
		for i, r := range k.records(t) {
			value, _ := b.messages[i].Value.Encode()
			if again := record.Append(nil, &r); r.Node == "" && !bytes.Equal(again, value) && strings.HasPrefix(r.ID, "sum:") {
				t.Errorf("not canonical:\n%s\n%s", value, again)
			}
			mapped = append(mapped, r)
		}
		_, b, _ = in.lines(text, in.memory.lease(), received)
		k.messages = b.messages
		if got := k.records(t); ids(got) != ids(mapped) {
			t.Errorf("sent again: %s, before it was %s", ids(got), ids(mapped))
		}
	})
}
