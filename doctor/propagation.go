package doctor

import (
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// tolerance is by how much two services' clocks may differ and a call still be recognised by its time.
const tolerance = 500 * time.Millisecond

// What ties a send to a visit, as people read it.
const (
	byParent = "the trace says so"
	byPlace  = "the same topic, partition and offset"
	byField  = "the ID stands in its records"
	byTime   = "host, path and time agree"
	byTopic  = "the only one that reads the topic at that time"
)

// place is where a message lies.
type place struct {
	topic     string
	partition int32
	offset    int64
}

// study holds what is sent against what is received.
type study struct {
	spans    []Span
	children map[spanKey][]*Span // visits by the span that they name as their parent
	at       map[place][]*Span   // consumers
	orphans  map[string][]*Span  // visits that nothing known led to, by what they answer
	report   Report
	links    map[link]*tally
	doubts   map[Doubt]int // without their counts
}

// link is a way from one service to another.
type link struct{ from, to, over string }

// tally counts what came over a link.
type tally struct {
	sends    int
	findings map[Finding]*Finding // by what they have in common
}

// Propagation says where IDs do not come through. What was sent after until is left out, since
// what it led to may not have been written yet; zero: nothing is.
func Propagation(spans []Span, until time.Time) Report {
	return propagation(spans, func(sent *Span) bool { return until.IsZero() || sent.Start.Before(until) })
}

// propagation follows those sends only that are asked about; the others say who led to what.
func propagation(spans []Span, about func(sent *Span) bool) Report {
	s := &study{spans: spans, children: map[spanKey][]*Span{}, at: map[place][]*Span{}, orphans: map[string][]*Span{}, links: map[link]*tally{}, doubts: map[Doubt]int{}}
	s.report.Spans = len(spans)
	s.index()
	var lost []*Span
	for i := range spans {
		if sent := &spans[i]; sent.sends() && about(sent) {
			s.report.Sends++
			if !s.follow(sent) {
				lost = append(lost, sent)
			}
		}
	}
	s.guess(lost)
	return s.done()
}

func (s *study) index() {
	known := map[spanKey]bool{}
	for i := range s.spans {
		known[spanKey{s.spans[i].Trace, s.spans[i].Span}] = true
	}
	for i := range s.spans {
		visit := &s.spans[i]
		if !visit.receives() {
			continue
		}
		parent := spanKey{visit.Trace, visit.Parent}
		s.children[parent] = append(s.children[parent], visit)
		if visit.Kind == "consumer" && visit.Placed {
			p := place{visit.Topic, visit.Partition, visit.Offset}
			s.at[p] = append(s.at[p], visit)
		}
		if visit.Parent == "" || !known[parent] {
			s.orphans[asked(visit)] = append(s.orphans[asked(visit)], visit)
		}
	}
}

// follow finds the visits that a send surely led to.
func (s *study) follow(sent *Span) bool {
	visits, proof := s.children[spanKey{sent.Trace, sent.Span}], byParent
	if len(visits) == 0 && sent.Kind == "producer" && sent.Placed {
		visits, proof = s.at[place{sent.Topic, sent.Partition, sent.Offset}], byPlace
	}
	if len(visits) == 0 && sent.ID != "" {
		for _, visit := range s.orphans[asked(sent)] {
			if _, ok := visit.holds(sent.ID); ok && visit.ID != sent.ID && fits(sent, visit) {
				visits, proof = append(visits, visit), byField
			}
		}
	}
	for _, visit := range visits {
		s.compare(sent, visit, proof)
	}
	return len(visits) > 0
}

// compare says what became of an ID between two ends.
func (s *study) compare(sent, visit *Span, proof string) {
	over := "http"
	if sent.Kind == "producer" {
		over = sent.Topic
	}
	t := s.tally(link{sent.Service, visit.Service, over})
	t.sends++
	if sent.ID == visit.ID {
		s.report.Arrived++
		return
	}
	f := Finding{
		From: sent.Service, To: visit.Service, Over: over, Name: visit.Name, Proof: proof, Traced: sent.Trace == visit.Trace && visit.Parent != "",
	}
	f.What, f.Field = became(sent.ID, visit)
	kept := t.findings[f]
	if kept == nil {
		example := f
		example.Sent, example.Got = sent.ID, visit.ID
		kept = &example
		t.findings[f] = kept
	}
	kept.Count++
}

// became says how an ID differs from what was sent.
func became(sent string, visit *Span) (what, field string) {
	got := visit.ID
	switch {
	case got != "" && (record.SameID(sent, got) || plain(sent) == plain(got)):
		return Rewritten, ""
	case len(got) >= shortest && len(got) < len(sent) && (strings.HasPrefix(plain(sent), plain(got)) || strings.HasSuffix(plain(sent), plain(got))):
		return Truncated, ""
	}
	if field, ok := visit.holds(sent); ok {
		return Renamed, field
	}
	return Died, ""
}

// guess finds, for sends that nothing surely ties to a visit, the visits that they may have led to.
func (s *study) guess(lost []*Span) {
	heard := map[string]bool{} // hosts and topics behind which somebody writes records
	rest := lost
	for i := range s.spans {
		switch sent := &s.spans[i]; {
		case len(rest) > 0 && rest[0] == sent:
			rest = rest[1:]
		case sent.sends():
			heard[target(sent)] = true
		}
	}
	callers := map[*Span]map[string]bool{} // services that may have made a visit
	fitting := map[*Span][]int{}           // sends that may have led to it
	candidates := make([][]*Span, len(lost))
	for i, sent := range lost {
		for _, visit := range s.orphans[asked(sent)] {
			if fits(sent, visit) {
				candidates[i] = append(candidates[i], visit)
				if callers[visit] == nil {
					callers[visit] = map[string]bool{}
				}
				callers[visit][sent.Service] = true
				fitting[visit] = append(fitting[visit], i)
			}
		}
	}
	taken := map[*Span]bool{}
	for i, sent := range lost {
		services := map[string]bool{}
		shared := false
		var visit *Span
		for _, c := range candidates[i] {
			services[c.Service] = true
			shared = shared || len(callers[c]) > 1
			if visit == nil && !taken[c] {
				visit = c
			}
		}
		switch {
		case len(candidates[i]) == 0 && !heard[target(sent)]:
			s.report.Unheard++ // a database, or a service of somebody else's
		case len(candidates[i]) == 0 && sent.Unanswered:
			s.report.Unanswered++
		case len(candidates[i]) == 0:
			s.doubt(sent, "nothing that was received fits it; its record may be late, or lost")
		case len(services) > 1:
			s.doubt(sent, "more than one service has received what fits it: "+strings.Join(sorted(services), ", "))
		case shared:
			s.doubt(sent, "another service may have sent what "+candidates[i][0].Service+" received")
		case len(candidates[i]) > rivals(candidates[i], fitting):
			s.doubt(sent, "others have come to "+candidates[i][0].Service+" that fit it as well, from outside or from who writes no records")
		case visit == nil:
			s.doubt(sent, "more was sent than "+candidates[i][0].Service+" received of what fits it")
		default:
			taken[visit] = true
			proof := byTime
			if sent.Kind == "producer" {
				proof = byTopic
			}
			s.compare(sent, visit, proof)
		}
	}
}

// asked is what a call or message asks for, and a visit answers.
func asked(s *Span) string {
	if s.Kind == "producer" || s.Kind == "consumer" {
		return "topic " + s.Topic
	}
	return s.Method + " " + s.Path
}

// rivals counts the sends that may have led to one of some visits.
func rivals(visits []*Span, fitting map[*Span][]int) int {
	sends := map[int]bool{}
	for _, visit := range visits {
		for _, i := range fitting[visit] {
			sends[i] = true
		}
	}
	return len(sends)
}

// fits reports whether a send can have led to a visit that answers what it asks for, and names no other cause.
func fits(sent, visit *Span) bool {
	switch {
	case visit.Start.Before(sent.Start.Add(-tolerance)):
		return false
	case sent.Kind == "producer":
		return sent.Topic != "" && (!sent.Placed || !visit.Placed)
	}
	return sent.Path != "" && (sent.End.IsZero() || !visit.Start.After(sent.End.Add(tolerance)))
}

// target is whom a send is meant for.
func target(sent *Span) string {
	if sent.Kind == "producer" {
		return "topic " + sent.Topic
	}
	return "host " + sent.Host
}

func (s *study) tally(l link) *tally {
	t := s.links[l]
	if t == nil {
		t = &tally{findings: map[Finding]*Finding{}}
		s.links[l] = t
	}
	return t
}

func (s *study) doubt(sent *Span, why string) {
	over := "http"
	if sent.Kind == "producer" {
		over = sent.Topic
	}
	s.doubts[Doubt{From: sent.Service, Over: over, Name: sent.Name, Why: why}]++
}

func (s *study) done() Report {
	s.report.Findings, s.report.Doubts = []Finding{}, []Doubt{}
	for _, t := range s.links {
		for _, f := range t.findings {
			f.Of = t.sends
			s.report.Findings = append(s.report.Findings, *f)
		}
	}
	for d, n := range s.doubts {
		d.Count = n
		s.report.Doubts = append(s.report.Doubts, d)
	}
	s.report.sort()
	return s.report
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for name := range set {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
