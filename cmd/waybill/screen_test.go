package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/record"
)

// station is a server whose tail and journey a test writes.
type station struct {
	*httptest.Server
	mu      sync.Mutex
	changed chan struct{}
	events  []string
	journey journey.Journey
	stored  query.Records
	asked   string // by the last tail
}

func newStation(t *testing.T) *station {
	s := &station{changed: make(chan struct{}), stored: query.Records{Records: []record.Record{}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/records", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		json.NewEncoder(w).Encode(&s.stored)
	})
	mux.HandleFunc("GET /api/v1/journeys/{id}", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		json.NewEncoder(w).Encode(&s.journey)
	})
	mux.HandleFunc("GET /api/v1/tail", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = r.URL.Query().Get("q")
		s.mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		for at := 0; ; {
			s.mu.Lock()
			events, changed := s.events[at:], s.changed
			s.mu.Unlock()
			for _, e := range events {
				at++
				fmt.Fprintf(w, "id: %d\n%s\n\n", at, e)
			}
			w.(http.Flusher).Flush()
			select {
			case <-changed:
			case <-r.Context().Done():
				return
			}
		}
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *station) event(name, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, "event: "+name+"\ndata: "+data)
	close(s.changed)
	s.changed = make(chan struct{})
}

func line(n int, service, level, message string) *record.Record {
	r := record.Record{Time: hostile.Time.Add(time.Duration(n) * time.Second), Service: service, Level: level, Node: service + "-1", Sequence: uint64(n + 1), CorrelationID: "journey-one", Message: message}
	r.Raw = record.Append(nil, &r)
	return &r
}

func (s *station) says(n int, service, level, message string) {
	s.event("record", string(line(n, service, level, message).Raw))
}

// becomes sets what the journey has come to.
func (s *station) becomes(verdict journey.Verdict, records ...*record.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	later := hostile.Time.Add(time.Hour)
	s.journey = journey.Journey{
		CorrelationID: "journey-one", Verdict: verdict, Reason: "because it is", Start: hostile.Time, End: hostile.Time.Add(time.Second), Records: records, AsOf: &later,
		Completeness: journey.Proved,
	}
}

func TestATailIsPausedFilteredAndItsJourneysOpened(t *testing.T) {
	s := newStation(t)
	u := at(t, 80, 12, []string{"WAYBILL_SERVER=" + s.URL}, "tail", "--ui")
	u.shows(t, "following", "shown 0, skipped 0")
	for n := range 30 {
		service, level := "bank", "info"
		if n%3 == 0 {
			service, level = "game", "error"
		}
		s.says(n, service, level, fmt.Sprintf("step \u202e%d", n))
	}
	u.shows(t, "step ·29", "step ·20", "shown 30")
	if strings.Contains(u.text(), "step ·19") {
		t.Errorf("more than fits:\n%s", u.text())
	}

	u.types(t, " ") // pause
	u.shows(t, "paused  +0")
	s.says(30, "bank", "warn", "step 30")
	s.event("receipt", `{"matched":36,"shown":31,"skipped":5}`)
	u.shows(t, "paused  +1", "skipped 5")
	if strings.Contains(u.text(), "step 30") {
		t.Errorf("what came later is shown though it is paused:\n%s", u.text())
	}
	u.types(t, "f")
	u.shows(t, "following", "step 30")

	u.types(t, "/level:>=warp\r")
	u.shows(t, "levels are trace, debug")
	u.types(t, "\x7fn\r") // warn
	u.shows(t, "/ level:>=warn", "step 30", "step ·27", "step ·3 ")
	if strings.Contains(u.text(), "bank       step ·2") {
		t.Errorf("what the filter leaves out is shown:\n%s", u.text())
	}
	s.says(31, "bank", "info", "step 31")
	s.says(32, "bank", "error", "step 32")
	u.shows(t, "step 32")
	if strings.Contains(u.text(), "step 31") {
		t.Errorf("what the filter leaves out is shown when it comes:\n%s", u.text())
	}

	s.becomes(journey.InTransit, line(0, "game", "error", "step ·0"))
	u.types(t, "\x1b[A\r") // up, and enter
	u.shows(t, "IN TRANSIT  because it is", "tracking number", "esc back")
	u.types(t, "q")
	u.shows(t, "step 32", "paused")
	u.types(t, "q")
	if code := u.ends(t); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	said := u.written()
	if !strings.Contains(said, "shown 33, skipped 5") {
		t.Errorf("no receipt in the end: %q", said[max(0, len(said)-300):])
	}
	if strings.Contains(said, "\u202e") {
		t.Error("a mark from outside that turns the line around came through")
	}
}

func TestATailOfManyRecordsKeepsTheLatest(t *testing.T) {
	s := newStation(t)
	u := at(t, 60, 8, []string{"WAYBILL_SERVER=" + s.URL}, "tail", "--ui")
	u.shows(t, "following")
	var all []string
	for n := range 25_000 {
		all = append(all, "event: record\ndata: "+string(line(n, "bank", "info", fmt.Sprintf("step %d.", n)).Raw))
	}
	s.mu.Lock()
	s.events = all
	s.mu.Unlock()
	s.says(25_000, "bank", "info", "step 25000.")
	u.shows(t, "step 25000.", "shown 25001")
	u.types(t, "g") // the oldest that is remembered
	u.shows(t, "step 5001.", "paused")
	u.types(t, "\x03")
	if code := u.ends(t); code != exitInterrupted {
		t.Errorf("Ctrl-C ends it with %d", code)
	}
}

func TestAScreenEndsForWhatATailFailsFor(t *testing.T) {
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"detail":"the token has expired"}`)
	}))
	defer refuses.Close()
	u := at(t, 80, 12, []string{"WAYBILL_SERVER=" + refuses.URL}, "tail", "--ui")
	if code := u.ends(t); code != exitNotAllowed || !strings.Contains(u.text(), "the token has expired") {
		t.Errorf("code %d:\n%s", code, u.text())
	}
}

func TestAJourneyIsDrawnAgainUntilItsVerdictIsFinal(t *testing.T) {
	s := newStation(t)
	var many []*record.Record
	for n := range 40 {
		many = append(many, line(n, "bank", "info", fmt.Sprintf("step %d.", n)))
	}
	s.becomes(journey.InTransit, many[:1]...)
	u := at(t, 70, 20, []string{"WAYBILL_SERVER=" + s.URL}, "track", "--follow", "one")
	u.shows(t, "IN TRANSIT  because it is", "step 0.", "following; q ends")
	s.becomes(journey.InTransit, many[:39]...)
	u.shows(t, "IN TRANSIT  because it is", "step 38.", "lines", "following; q ends") // its middle is left out
	if strings.Contains(u.text(), "step 5.") {
		t.Errorf("more than fits:\n%s", u.text())
	}
	s.becomes(journey.Delivered, many...)
	if code := u.ends(t); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	if screen := u.text(); !strings.Contains(screen, "step 39.") || strings.Contains(screen, "following") || !strings.Contains(u.written(), "DELIVERED") {
		t.Errorf("in the end there is\n%s", screen)
	}

	s.becomes(journey.Stalled, many[0])
	u = at(t, 70, 20, []string{"WAYBILL_SERVER=" + s.URL}, "track", "--follow", "one")
	u.shows(t, "STALLED")
	u.types(t, "q")
	if code := u.ends(t); code != exitInterrupted || !strings.Contains(u.text(), "STALLED  because it is") {
		t.Errorf("left with %d:\n%s", code, u.text())
	}
}

func TestColoursAreForTerminalsOnly(t *testing.T) {
	s := newStation(t)
	s.becomes(journey.Delivered, line(0, "bank", "info", "step"))
	for _, c := range []struct {
		environ  []string
		args     []string
		coloured bool
	}{
		{nil, nil, true}, {[]string{"NO_COLOR=1"}, nil, false}, {[]string{"TERM=dumb"}, nil, false}, {nil, []string{"--color", "never"}, false},
		{[]string{"NO_COLOR=1"}, []string{"--color", "always"}, true},
	} {
		u := at(t, 70, 20, append(c.environ, "WAYBILL_SERVER="+s.URL), append([]string{"track", "one"}, c.args...)...)
		code := u.ends(t)
		if coloured := strings.Contains(u.written(), "\x1b["); code != 0 || coloured != c.coloured || !strings.Contains(u.text(), "DELIVERED") {
			t.Errorf("%v %v: code %d, coloured %v: %q", c.environ, c.args, code, coloured, u.written())
		}
	}
	if r := once(t, nil, "track", "one", "--server", s.URL); strings.Contains(r.stdout, "\x1b") {
		t.Errorf("into a pipe: %q", r.stdout)
	}
}

// A tail that nobody interrupts for good: Ctrl-C gives the receipt, and a pipe that breaks is no error.
func TestATailEndsAsItsReaderWants(t *testing.T) {
	s := newStation(t)
	p := waybill(t, "tail", "--server", s.URL)
	s.says(0, "bank", "info", "step 0")
	if text := p.firstLine(t); !strings.Contains(text, "step 0") {
		t.Errorf("the first line is %q", text)
	}
	s.event("receipt", `{"matched":4,"shown":1,"skipped":3}`)
	p.says(t, "shown 1, skipped 3")
	p.cmd.Process.Signal(syscall.SIGINT)
	if code := p.wait(t); code != exitInterrupted || !strings.HasSuffix(p.log(), "shown 1, skipped 3\n") {
		t.Errorf("interrupted with %d: %s", code, p.log())
	}

	p = waybill(t, "tail", "--server", s.URL, "-q")
	p.firstLine(t)
	p.stdout.Close()
	done := make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
				s.says(n, "bank", "info", "more")
			}
		}
	}()
	code := p.wait(t)
	close(done)
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); p.log() != "" || status.Signal() != syscall.SIGPIPE && code != exitPipe {
		t.Errorf("a broken pipe ends it with %v and %q", p.cmd.ProcessState, p.log())
	}
}

// The last that are stored come first, oldest first; what the tail gives again from when they
// were stored is not shown twice.
func TestATailBeginsWithTheLastThatAreStored(t *testing.T) {
	s := newStation(t)
	asOf := hostile.Time.Add(time.Hour)
	s.stored = query.Records{Records: []record.Record{*line(2, "bank", "info", "step 2"), *line(1, "bank", "info", "step 1")}, AsOf: &asOf, Next: "older"}
	for n := range 3 {
		s.says(n+1, "bank", "info", fmt.Sprintf("step %d", n+1))
	}
	r := once(t, nil, "tail", "--server", s.URL, "-n", "2", "--limit", "3", "--template", "{{.Message}}", "a OR b")
	if r.code != 0 || r.stdout != "step 1\nstep 2\nstep 3\n" || r.stderr != "shown 3, skipped 0\n" || s.asked != "(a OR b) since:2026-11-23T15:00:00.0000005Z" {
		t.Errorf("%+v, asked %q", r, s.asked)
	}
}

func TestATailShowsWhatIsWanted(t *testing.T) {
	s := newStation(t)
	for n := range 6 {
		s.says(n, "bank", "info", fmt.Sprintf("step %d of six", n))
	}
	s.event("receipt", `{"matched":6,"shown":6,"skipped":0}`)
	r := once(t, nil, "tail", "--server", s.URL, "-i", "step [1-4]", "-e", "3", "--limit", "3", "--template", "{{.Service}}: {{.Message}}")
	if r.code != 0 || r.stdout != "bank: step 1 of six\nbank: step 2 of six\nbank: step 4 of six\n" || r.stderr != "shown 3, hidden 2 by --include and --exclude, skipped 0\n" {
		t.Errorf("%+v", r)
	}
	r = once(t, nil, "tail", "--server", s.URL, "-q", "-o", "jsonl", "--limit", "1")
	if r.code != 0 || r.stdout != string(line(0, "bank", "info", "step 0 of six").Raw)+"\n" || r.stderr != "" {
		t.Errorf("%+v", r)
	}
	r = once(t, nil, "tail", "--server", s.URL, "-i", "nothing", "--timeout", "300ms", "--fail-empty")
	if r.code != exitNotFound || r.stdout != "" {
		t.Errorf("%+v", r)
	}
	r = once(t, nil, "tail", "--server", s.URL, "--timeout", "300ms", "--fail-empty")
	if r.code != exitTimeout || strings.Count(r.stdout, "\n") != 6 {
		t.Errorf("%+v", r)
	}
}
