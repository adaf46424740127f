package ship

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/ship/format"
)

// made has a maker of a format make what it can of a text.
func made(t *testing.T, name, text string) *Batch {
	t.Helper()
	known, err := lru.New[string, struct{}](10)
	if err != nil {
		t.Fatal(err)
	}
	cfg := (&Config{IDs: idSources(t, "json:id", `req-\w+`), AllIDs: len(text)%2 == 0}).withDefaults()
	of := &position{ID: "0123456789abcdef", FirstSeen: time.Unix(1e9, 0), Modified: time.Unix(1e9, 0), Name: "fuzz"}
	m, err := newMaker(&cfg, &Receipt{}, known, of, name, "a.log", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	b := &Batch{}
	w := format.NewUnwrapper(name)
	for line := range strings.Lines(text) {
		p := piece{text: strings.TrimSuffix(line, "\n"), sum: sumOfLine([]byte(line))}
		if w != nil {
			u, ok := w.Unwrap(p.text)
			if p.bare = !ok; ok {
				p.text, p.told = u.Text, u.Time
			}
		}
		p.text = strings.ToValidUTF8(p.text, "\uFFFD") // as the encoding leaves it
		m.make(p, b)
	}
	return b
}

// Whatever a line holds, what becomes of it is a record that the collector takes.
func fuzzFormat(f *testing.F, name string, seeds ...string) {
	f.Helper()
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		for value := range made(t, name, text).All() {
			if _, err := record.Scan(value); err != nil {
				t.Fatalf("%v: %s", err, value)
			}
			if !json.Valid(value) {
				t.Fatalf("no JSON: %s", value)
			}
		}
	})
}

func FuzzJSON(f *testing.F) {
	fuzzFormat(f, format.JSON, `{"time":"2026-03-01T08:00:00Z","msg":"a","id":"x"}`, `{"a":{"b":[1,{"c":null}]},"a.b":1e400,"":0}`, `{"msg":"\ud800\u0000"}`, `{"ts":-1e9,"level":{}}`)
}

func FuzzLogfmt(f *testing.F) { fuzzFormat(f, format.Logfmt, `a=b c="d\"e" f`, `=`, `a="\xff"`) }

func FuzzCLF(f *testing.F) {
	fuzzFormat(f, format.CLF, `1.2.3.4 - - [01/Mar/2026:08:00:00 +0100] "GET /a?b HTTP/1.1" 200 5 "-" "x" y`)
}

func FuzzSyslog(f *testing.F) {
	fuzzFormat(f, format.Syslog, `<34>Oct 11 22:14:15 h a[1]: b`, `<165>1 2026-10-11T22:14:15.003Z h a 1 m [x y="z\]"] t`, `<1>1 - - - - - {"a":1}`)
}

func FuzzDocker(f *testing.F) {
	fuzzFormat(f, format.Docker, `{"log":"{\"a\":1}\n","stream":"stdout","time":"2026-03-01T08:00:00Z"}`, `{"log":1,"time":2}`)
}

func FuzzCRI(f *testing.F) {
	fuzzFormat(f, format.CRI, `2026-03-01T08:00:00.1Z stdout F level=info msg=x`)
}

func FuzzText(f *testing.F) {
	fuzzFormat(f, format.Text, `260301 080000 INFO x`, `[Sun Mar 01 08:00:01.1 2026] [error] y`, `2026/03/01 08:00:00 z`, `Jan  1 00:00:00 0000`, `9999-12-31 23:59:60,9`)
}

func FuzzOTLP(f *testing.F) {
	fuzzFormat(f, format.OTLP, `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","body":{"stringValue":"a"}}]}]}]}`, `{"resourceSpans":[{}]}`)
}

// Detecting a format and reading a time end, whatever the text.
func FuzzDetect(f *testing.F) {
	f.Add("<1>a\n{\"log\":\"x\"}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if name := format.Detect(strings.Split(text, "\n")); format.Canonical(name) == "" {
			t.Errorf("detected %q", name)
		}
		times, err := format.ParseTimes(text, nil)
		if err != nil {
			return
		}
		c := format.Clock{Times: times, Anchor: time.Unix(1e9, 0)}
		if at, ok := c.Read(text); ok && at.Year() == 0 {
			t.Errorf("%q is in no year", text)
		}
	})
}
