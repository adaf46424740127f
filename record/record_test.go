package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/waybill-log/waybill/record"
)

func full() record.Record {
	return record.Record{
		Time: time.Date(2026, 11, 23, 14, 0, 0, 120, time.UTC), Level: "warn", Message: "連接被拒絕 \"x\"\n", Logger: "shop",
		Origin:  record.Origin{File: "bank.go", Line: 12, Function: "bank.debit"},
		Service: "bank", ServiceVer: "1.2", Environment: "demo", Node: "n1", Sequence: 9,
		Kind: record.KindHopEnd, Version: 1, CorrelationID: "Order-7", CorrelationKey: "order-7",
		TraceID: strings.Repeat("a", 32), SpanID: strings.Repeat("b", 16), ParentID: strings.Repeat("c", 16),
		Links: []record.Link{{TraceID: strings.Repeat("d", 32), SpanID: strings.Repeat("e", 16), CorrelationID: "x"}},
		HopID: strings.Repeat("f", 16), HopSequence: 3, HopRecords: 3, HopSends: 1,
		SpanName: "process orders", SpanKind: "consumer", Duration: 1500, Outcome: record.Failure,
		Declared: record.Returned, Reason: "out of stock", Expect: record.Expect{Station: "game", Within: time.Second}, Alias: record.Alias{Name: "order", Value: "A-1001"},
		HTTP:      record.HTTP{Method: "POST", Route: "/orders", Path: "/orders", Status: 402},
		Messaging: record.Messaging{System: "kafka", Operation: "process", Topic: "orders", Partition: 2, Offset: 15, HasOffset: true, Group: "bank", Attempt: 2},
		Saga:      record.Saga{ID: "s1", Step: "debit", Phase: "forward"},
		Error:     record.Error{Type: "*errors.errorString", Message: "no money", Stack: "a\nb"},
		Labels:    []record.Label{{Key: "order_id", Value: "18446744073709551615"}, {Key: "user", Value: "USER1"}},
	}
}

func TestDecodeReadsWhatAppendWrites(t *testing.T) {
	want := full()
	line := record.Append(nil, &want)
	got, err := record.Decode(line)
	if err != nil {
		t.Fatal(err)
	}
	if again := record.Append(nil, &got); !bytes.Equal(line, again) {
		t.Errorf("encoded again:\n got %s\nwant %s", again, line)
	}
	if got.Raw = nil; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[record.Record]()) {
		if f.Name != "ID" && f.Name != "Raw" && reflect.ValueOf(want).FieldByIndex(f.Index).IsZero() {
			t.Errorf("%s is not tried", f.Name)
		}
	}
	if got.Identity() != "n1-9" {
		t.Errorf("identity %q", got.Identity())
	}
}

func TestHeadAndTailMakeOneRecord(t *testing.T) {
	r := full()
	head := record.AppendHead(nil, &r)
	if bytes.Contains(head, []byte("sequence")) {
		t.Errorf("a number in the head: %s", head)
	}
	if got, want := record.AppendTail(head, &r), record.Append(nil, &r); !bytes.Equal(got, want) {
		t.Errorf("got %s want %s", got, want)
	}
}

func TestTextsAndTimesAreWrittenAsTheStandardLibraryReadsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.ByteRange(0x1E, 0x23), rapid.ByteRange(0x5B, 0x5D))).Draw(t, "text"))
		var got string
		if err := json.Unmarshal(record.AppendString(nil, text), &got); err != nil || got != string([]rune(text)) {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
		when := time.Unix(rapid.Int64Range(-62_167_219_200, 253_402_300_799).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		if got, want := record.FormatTime(when), when.UTC().Format("2006-01-02T15:04:05.000000000Z"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestAClockTellsTheTimeAsOthersDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c record.Clock
		for range 10 {
			when := time.Unix(rapid.OneOf(rapid.Int64Range(1, 3), rapid.Int64Range(-1<<40, 1<<40)).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
			if got, want := c.AppendStart(nil, when, "info", "m"), record.AppendStart(nil, when, "info", "m"); !bytes.Equal(got, want) {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	})
}

func TestOfManyLabelsTheLastOfAKeyIsKept(t *testing.T) {
	r := record.Record{Time: time.Unix(1, 0), Node: "n", Sequence: 1}
	for n := range 512 {
		r.Labels = append(r.Labels, record.Label{Key: fmt.Sprint("k\x00", n%500), Value: fmt.Sprint(n)})
	}
	got, err := record.Decode(record.Append(nil, &r))
	if err != nil || len(got.Labels) != 500 || got.Labels[0] != (record.Label{Key: `k\x0012`, Value: "12"}) || got.Labels[499] != (record.Label{Key: `k\x0011`, Value: "511"}) {
		t.Errorf("%v, %d labels, %v to %v", err, len(got.Labels), got.Labels[0], got.Labels[len(got.Labels)-1])
	}
}

func TestLabelsKeepTheLastAndEscapeKeys(t *testing.T) {
	r := record.Record{Time: time.Unix(1, 0), Node: "n", Sequence: 1, Labels: []record.Label{
		{"a", "1"}, {"b\x00c", "2"}, {"a", "3"}, {"", "4"}, {"d\xff", "5\xff"},
	}}
	line := string(record.Append(nil, &r))
	want := `"labels":{"b\\x00c":"2","a":"3","\\x":"4","d` + "\uFFFD" + `":"5` + "\uFFFD" + `"}`
	if !strings.Contains(line, want) {
		t.Errorf("got %s\nwant it to hold %s", line, want)
	}
	if _, err := record.Decode([]byte(line)); err != nil {
		t.Error(err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	const ok = `"@timestamp":"2026-11-23T14:00:00Z","event.id":"e"`
	f := func(in, want string) {
		t.Helper()
		_, err := record.Decode([]byte(in))
		if !errors.Is(err, record.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s\n got %v\nwant %s", in, err, want)
		}
		if _, again := record.Scan([]byte(in)); err == nil || again == nil || again.Error() != err.Error() {
			t.Errorf("%.80s\nScan says %v", in, again)
		}
	}
	f(``, "ends too early")
	f(`[]`, "want '{'")
	f(`{`, "ends too early")
	f(`{`+ok, "ends too early")
	f(`{`+ok+`}x`, "want the end")
	f(`{"event.id":"e"}`, "no @timestamp")
	f(`{"@timestamp":"2026-11-23T14:00:00Z"}`, "no event.id")
	f(`{"@timestamp":"yesterday","event.id":"e"}`, "RFC 3339")
	f(`{"@timestamp":"0000-01-01T00:00:00Z","event.id":"e"}`, "1970 to 2262")
	f(`{"@timestamp":"2300-01-01T00:00:00Z","event.id":"e"}`, "1970 to 2262")
	f(`{`+ok+`,"message":{"a":1}}`, "message: want a string")
	f(`{`+ok+`,"event.sequence":9223372036854775808}`, "64-bit")
	f(`{`+ok+`,"event.sequence":-1}`, "negative")
	f(`{`+ok+`,"event.sequence":1.5}`, "64-bit")
	f(`{`+ok+`,"labels":{"n":1}}`, "labels: n: want a string")
	f(`{`+ok+`,"labels":{"n":"1","n":"2"}}`, "twice")
	f(`{`+ok+`,"x":1,"x":2}`, `"x" is there twice`)
	f(`{`+ok+`,"message":"`+"\xff"+`"}`, "UTF-8")
	f(`{`+ok+`,"message":"\ud800"}`, "surrogate")
	f(`{`+ok+`,"x":01}`, "want ',' or '}'")
	f(`{`+ok+`,"x":nul}`, "want a value")
	f(`{`+ok+`,"x":`+strings.Repeat("[", 10000)+`}`, "nested deeper")
	f(`{"@timestamp":"2026-11-23T14:00:00.1234567890Z","event.id":"e"}`, "RFC 3339")
	f(`{"@timestamp":"2026-11-23T14:00:00,5Z","event.id":"e"}`, "RFC 3339")
	f(`{`+ok+`,"":1}`, "without a name")
	f(`{`+ok+`,"labels.order_id":"7"}`, "inside labels")
	f(`{`+ok+`,"labels":{"a\u0000":"7"}}`, "NUL")
	f(`{`+ok+`,"service":{"name":"bank"}}`, `want "service.…"`)
	f(`{`+ok+`,"message":"\q"}`, `unknown escape \q`)
	f(`{`+ok+`,"message":"\u12"}`, "four hex digits")
	f(`{`+ok+`,"message":"`+"a\n"+`"}`, "control character 0x0a")
	f(`{`+ok+`,"message":"é\`, "ends too early")
	f(`{`+ok+`,"x":1,"\u0078":2}`, `"x" is there twice`)
	f(`{`+ok+`,"correlation.id":"a b"}`, "visible ASCII")
	f(`{`+ok+`,"correlation.id":"A","correlation.key":"b"}`, `want "a"`)
	f(`{`+ok+`,"correlation.id":"A"}`, "correlation.key")
	f(`{`+ok+`,"correlation.key":"a"}`, "correlation.key")
	f(`{`+ok+`,"message":"`+strings.Repeat("a", record.MaxBytes)+`"}`, "bytes, more than")
}

func TestScanAllocatesNothing(t *testing.T) {
	r := full()
	r.CorrelationID, r.CorrelationKey = "order-7", "" // another key than the ID has to be made
	line := record.Append(nil, &r)
	if n := testing.AllocsPerRun(100, func() { record.Scan(line) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkScan(b *testing.B) {
	r := full()
	r.CorrelationID, r.CorrelationKey = "order-7", ""
	line := record.Append(nil, &r)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := record.Scan(line); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDecodeTakesFieldsOfAFutureContract(t *testing.T) {
	r, err := record.Decode([]byte(`{"@timestamp":"2026-11-23T14:00:00.5+08:00","event.id":"e","waybill.version":7,"new":{"a":[1,-2.5e3,null,true,"\u00e9\n"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if r.Version != 7 || !r.Time.Equal(time.Date(2026, 11, 23, 6, 0, 0, 5e8, time.UTC)) {
		t.Errorf("got %+v", r)
	}
}

func TestKey(t *testing.T) {
	const uuid = "0199c1d2-aaaa-4bbb-8ccc-0123456789ab"
	const digits = "0199c1d2aaaa4bbb8ccc0123456789ab"
	f := func(in, want string) {
		t.Helper()
		if got := record.Key(in); got != want {
			t.Errorf("Key(%q) = %q, want %q", in, got, want)
		}
		if got := record.Key(record.Key(in)); got != want {
			t.Errorf("Key is not idempotent for %q: %q", in, got)
		}
	}
	f(uuid, digits)
	f(strings.ToUpper(uuid), digits)
	f("{"+uuid+"}", digits)
	f(digits, digits)
	f("Order-A-1001", "order-a-1001")
	f("{order}", "{order}")
	f("g199c1d2-aaaa-4bbb-8ccc-0123456789ab", "g199c1d2-aaaa-4bbb-8ccc-0123456789ab")

	if !record.SameID(uuid, strings.ToUpper(digits)) || record.SameID("Order-1", "order-1") || !record.SameID("Order-1", "Order-1") {
		t.Error("SameID")
	}
	if got := record.ShortID(digits); got != "456789ab" {
		t.Errorf("ShortID %q", got)
	}
}

func TestValidID(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, strings.Repeat("a", 128): true, "~!": true,
		"": false, strings.Repeat("a", 129): false, "a b": false, "a\r\n": false, "é": false, "\x7f": false,
	} {
		if got := record.ValidID(id); got != want {
			t.Errorf("ValidID(%q) = %v", id, got)
		}
	}
}

func TestALedgerNamesItsInstance(t *testing.T) {
	l, err := record.DecodeLedger([]byte(`{"@timestamp":"2026-11-23T14:00:00Z","service.node.name":"n","last":9,"unsettled":8,"dropped":[{"from":3,"to":4,"reason":"r"}]}`))
	if err != nil || l.Last != 9 || l.Unsettled != 8 || l.Dropped[0].To != 4 {
		t.Errorf("got %+v, %v", l, err)
	}
	if _, err := record.DecodeLedger([]byte(`{}`)); err == nil {
		t.Error("a ledger without an instance was taken")
	}
}

// Each line of a golden journey decodes, and is in canonical form unless its
// file is foreign, written by somebody else's library.
func TestGoldenJourneysAreCanonical(t *testing.T) {
	files, err := filepath.Glob("testdata/*.ndjson")
	if err != nil || len(files) < 6 {
		t.Fatalf("golden journeys: %v %v", files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
			r, err := record.Decode(line)
			if err != nil {
				t.Errorf("%s:%d: %v", file, i+1, err)
				continue
			}
			if got := record.Append(nil, &r); !bytes.Equal(got, line) {
				t.Errorf("%s:%d:\n got %s\nwant %s", file, i+1, got, line)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	r := full()
	f.Add(record.Append(nil, &r))
	f.Add([]byte(`{"@timestamp":"2026-11-23T14:00:00Z","event.id":"e","x":[{"y":1e9}],"message":"\u00e9"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := record.Decode(b)
		stub, scanned := record.Scan(b)
		if fmt.Sprint(err) != fmt.Sprint(scanned) {
			t.Fatalf("Decode says %v, Scan %v", err, scanned)
		}
		if err != nil {
			return
		}
		if want := (record.Stub{ID: r.Identity(), Key: r.CorrelationKey, Trace: r.TraceID, Time: r.Time}); stub != want {
			t.Fatalf("scanned %+v, want %+v", stub, want)
		}
		line := record.Append(nil, &r)
		again, err := record.Decode(line)
		if err != nil {
			t.Fatalf("own encoding refused: %v\n%s", err, line)
		}
		if got := record.Append(nil, &again); !bytes.Equal(got, line) {
			t.Fatalf("not stable:\n%s\n%s", line, got)
		}
	})
}

func FuzzAppend(f *testing.F) {
	f.Add("message", "key", "value", uint64(1))
	f.Fuzz(func(t *testing.T, message, key, value string, n uint64) {
		r := record.Record{
			Time: time.Unix(0, int64(n>>1)+1), Message: message, Service: value, Node: "n", Sequence: n>>2 + 1, Kind: record.KindHopEnd,
			Labels: []record.Label{{key, value}, {value, message}, {key, message}}, Error: record.Error{Message: key},
		}
		if _, err := record.Decode(record.Append(nil, &r)); err != nil && !strings.Contains(err.Error(), "bytes, more than") {
			t.Fatalf("%v: %+v", err, r)
		}
	})
}
