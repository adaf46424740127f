package alerts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

var start = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// memory is a journal that outlives whoever writes it.
type memory struct {
	kept   map[string][]byte
	put    map[string][]byte
	failed error // of the next flush
}

func newMemory() *memory { return &memory{kept: map[string][]byte{}, put: map[string][]byte{}} }

func (m *memory) Put(key string, value []byte) { m.put[key] = bytes.Clone(value) }
func (m *memory) Delete(key string)            { m.put[key] = nil }
func (m *memory) Flush(context.Context) error {
	if m.failed != nil {
		return m.failed
	}
	for key, value := range m.put {
		if m.kept[key] = value; value == nil {
			delete(m.kept, key)
		}
	}
	clear(m.put)
	return nil
}

func (m *memory) all() iter.Seq2[string, []byte] { return maps.All(maps.Clone(m.kept)) }

// told is a notifier that remembers.
type told struct {
	mu     sync.Mutex
	all    []Notification
	byID   map[string]Notification
	failed error
}

func (t *told) Notify(_ context.Context, n Notification) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed != nil {
		return t.failed
	}
	if t.byID == nil {
		t.byID = map[string]Notification{}
	}
	t.all = append(t.all, n)
	t.byID[n.ID] = n
	return nil
}

func (t *told) lines() (out []string) {
	for _, n := range t.all {
		var keys []string
		for _, a := range n.Alerts {
			keys = append(keys, a.Status+" "+a.Key)
		}
		slices.Sort(keys)
		out = append(out, n.Receiver+": "+strings.Join(keys, ", "))
	}
	return out
}

// scene is one part at work.
type scene struct {
	t       *testing.T
	part    *Part
	rules   *Rules
	journal *memory
	told    *told
	now     time.Time
	offsets map[string]int64
}

const quickRoute = `
receivers: [{name: ops}, {name: pager}]
route: {receiver: ops, group_by: [rule], group_interval: 100ms}
`

func newScene(t *testing.T, rules string) *scene {
	t.Helper()
	rs, err := ParseRules([]byte("self: false\n" + rules))
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, rules: rs, journal: newMemory(), told: &told{}, now: start, offsets: map[string]int64{}}
	s.load()
	return s
}

func (s *scene) load() {
	s.part = NewPart(PartConfig{Number: 3, Rules: s.rules}, s.journal.all())
}

func (s *scene) taken(source string) *Taken {
	m := &Taken{Source: source, Offset: s.offsets[source], Time: s.now}
	s.offsets[source]++
	return m
}

func (s *scene) change(key string, verdict journey.Verdict, stations ...string) {
	since := s.now
	s.part.Change(&Change{Key: key, At: s.now, Summary: journey.Summary{
		CorrelationID: strings.ToUpper(key), Verdict: verdict, Reason: "because", Kind: "POST /buy", Stations: stations, Since: &since, End: s.now,
	}}, s.taken("journeys/3"))
}

func (s *scene) record(key, service, message string) record.Record {
	r := record.Record{Time: s.now, ID: fmt.Sprintf("%s-%s-%d", service, message, s.now.UnixNano()), CorrelationID: key, CorrelationKey: key, Service: service, Message: message, Level: "info"}
	s.part.Record(&r, s.taken("records/3"), s.now)
	return r
}

func (s *scene) after(d time.Duration) *scene {
	s.now = s.now.Add(d)
	return s
}

func (s *scene) step() {
	s.t.Helper()
	s.part.Pass(s.now, s.now)
	if err := s.part.Step(s.t.Context(), s.now, s.journal, s.told, false); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) wants(lines ...string) {
	s.t.Helper()
	if got := s.told.lines(); !slices.Equal(got, lines) {
		s.t.Fatalf("told\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
	}
	s.told.all = nil
}

const stalledRule = `
rules:
  - name: bank-stalled
    journey: verdict == "stalled" && visited("bank")
    severity: critical
    title: "{{.correlation_id}} stands still"
    text: "{{.reason}}"
` + quickRoute

func TestAStateIsReadAsItWasWritten(t *testing.T) {
	at := start.Add(1234567)
	for _, s := range []State{
		{StartsAt: start, Judged: start},
		{
			Rule: "r", Subject: "s/\"\x00", Status: Firing, Severity: Critical, Title: "<t> \u2028", Text: "a\nb", Runbook: "https://a", CorrelationID: "S", Labels: map[string]string{"a": "b"},
			StartsAt: at, EndsAt: &at, Judged: at, Until: &at, Fired: 1, Seq: 2, Muted: true,
		},
	} {
		if again, _, ok := ParseState(alertKeys, s.append(nil)); !ok || !reflect.DeepEqual(again, s) {
			t.Errorf("%+v is read as %+v", s, again)
		}
	}
}

func TestAVerdictFiresAndHeals(t *testing.T) {
	s := newScene(t, stalledRule)
	s.change("a", journey.Stalled, "game")
	s.step()
	s.wants()
	s.change("a", journey.Stalled, "game", "bank")
	s.step()
	n := s.told.all[0]
	if n.Title != "A stands still" || n.Text != "because" || n.Severity != Critical || n.Status != Firing || Place(n) != 3 || n.Alerts[0].CorrelationID != "A" {
		t.Errorf("notification is %+v", n)
	}
	s.wants("ops: firing bank-stalled/a")
	s.change("a", journey.Stalled, "game", "bank") // news may come twice
	s.after(time.Second).step()
	s.wants()
	s.change("a", journey.Delivered, "game", "bank")
	s.after(time.Second).step()
	s.wants("ops: resolved bank-stalled/a")
	if s.part.Count() != 0 {
		t.Errorf("%v is left", s.part.List())
	}
	s.after(time.Second).step()
	for key := range s.journal.kept {
		if strings.HasPrefix(key, alertKeys) || strings.HasPrefix(key, groupKeys) {
			t.Errorf("%s is kept", key)
		}
	}
}

func TestWhatHealsBeforeItIsToldIsHistoryAlone(t *testing.T) {
	s := newScene(t, stalledRule)
	s.change("a", journey.Stalled, "bank")
	s.after(time.Second).change("a", journey.Delivered, "bank")
	s.step()
	s.wants()
	if state, past, ok := ParseState("h/0", s.journal.kept["h/0"]); !ok || !past || state.Key() != "bank-stalled/a" || state.EndsAt == nil {
		t.Errorf("history has %+v", state)
	}
}

func TestLateNewsDoNotUndoLaterOnes(t *testing.T) {
	s := newScene(t, stalledRule)
	s.now = start.Add(time.Minute)
	s.change("a", journey.Stalled, "bank")
	s.now = start
	s.change("a", journey.InTransit, "bank")
	s.now = start.Add(2 * time.Minute)
	s.step()
	s.wants("ops: firing bank-stalled/a")
}

func TestAConditionHoldsForAWhile(t *testing.T) {
	s := newScene(t, strings.Replace(stalledRule, "severity:", "for: 1m\n    severity:", 1))
	s.change("a", journey.Stalled, "bank")
	s.change("b", journey.Stalled, "bank")
	s.after(30 * time.Second).step()
	s.wants()
	s.change("b", journey.Delivered, "bank")
	s.load2()
	s.after(30 * time.Second)
	s.part.Pass(s.now, s.now.Add(-time.Second)) // news are read through a second ago only
	if s.part.List()[0].Status != Pending {
		t.Error("it fires before all news have been read")
	}
	s.step()
	s.wants("ops: firing bank-stalled/a")
}

// load2 is a step, and another owner.
func (s *scene) load2() {
	s.t.Helper()
	s.step()
	s.load()
}

const absenceRule = `
rules:
  - name: not-credited
    absence: {after: 'service == "bank" && message == "debited"', expect: 'message == "credited"', within: 30s}
    title: "{{.correlation_id}}: {{.message}}"
` + quickRoute

// settle decides all doubts that are due by what the journeys have.
func (s *scene) settle(of map[string][]record.Record) {
	for _, d := range s.part.Doubts(s.now, 100) {
		s.part.Settle(d, of[d.Key], s.now)
	}
}

func TestAbsenceFiresByTheJourneysOwnRecords(t *testing.T) {
	s := newScene(t, absenceRule)
	of := map[string][]record.Record{}
	for _, key := range []string{"never", "in-time", "unseen", "late"} {
		of[key] = append(of[key], s.record(key, "bank", "debited"))
	}
	s.after(10 * time.Second)
	of["in-time"] = append(of["in-time"], s.record("in-time", "game", "credited"))
	// This one was read before its cause, or by nobody: the store has it.
	of["unseen"] = append(of["unseen"], record.Record{Time: s.now, CorrelationID: "unseen", CorrelationKey: "unseen", Message: "credited"})
	s.step()
	s.after(20500 * time.Millisecond)
	of["late"] = append(of["late"], s.record("late", "game", "credited"))
	s.settle(of)
	s.step()
	s.wants() // the grace
	s.after(time.Second)
	s.settle(of)
	s.step()
	s.wants("ops: firing not-credited/never")
	if n := s.part.Waiting(); n != 0 {
		t.Errorf("%d wait", n)
	}
	late, _, _ := ParseState("h/0", s.journal.kept["h/0"])
	if late.Subject != "late" || !late.StartsAt.Equal(start.Add(30*time.Second)) || !late.EndsAt.Equal(start.Add(30500*time.Millisecond)) {
		t.Errorf("history has %+v", late)
	}
	s.after(time.Hour)
	s.record("never", "game", "credited")
	s.step()
	s.wants("ops: resolved not-credited/never")
}

func TestAnAbsenceOutlivesItsOwner(t *testing.T) {
	for _, wait := range []time.Duration{100 * time.Millisecond, 10 * time.Second} {
		s := newScene(t, absenceRule)
		r := s.record("a", "bank", "debited")
		s.record("b", "bank", "debited")
		s.after(wait).step()
		b := s.record("b", "game", "credited")
		s.load2()
		// The next owner reads from where it has to.
		reading, _ := s.part.Reading("records/3")
		if want := map[bool]int64{true: 0, false: 3}[wait < youngFor]; reading.From != want {
			t.Errorf("after %s it reads from %+v, want %d", wait, reading, want)
		}
		for _, again := range []record.Record{r, {Time: start, CorrelationKey: "b", Service: "bank", Message: "debited"}, b}[min(reading.From, 3):] {
			s.part.Record(&again, &Taken{Source: "records/3", Offset: 0, Time: start}, s.now)
		}
		s.after(time.Minute)
		s.settle(map[string][]record.Record{"a": {r}})
		s.step()
		s.wants("ops: firing not-credited/a")
	}
}

func TestEachRecordOrEachOfAKind(t *testing.T) {
	s := newScene(t, `
rules:
  - {name: declined, record: 'message == "declined"', keep: 1m}
  - {name: broken, record: 'level == "info" && message == "broken"', by: [service], keep: 1m, title: "{{.labels.team}}{{.service}}", labels: {team: pay}}
`+quickRoute)
	s.record("a", "bank", "declined")
	s.after(time.Millisecond).record("a", "bank", "declined")
	for range 3 {
		s.record("b", "bank", "broken")
	}
	s.record("c", "game", "broken")
	s.step()
	if len(s.told.all) != 2 || len(s.told.all[0].Alerts) != 2 || len(s.told.all[1].Alerts) != 2 {
		t.Fatalf("told %v", s.told.lines())
	}
	s.told.all = nil
	s.after(50*time.Second).record("b", "bank", "broken")
	s.after(20 * time.Second).step()
	if got := s.told.lines(); len(got) != 2 || !slices.ContainsFunc(got, func(l string) bool { return l == "ops: firing broken/bank, resolved broken/game" }) {
		t.Errorf("told %v", got)
	}
}

func TestSamplesFireAndResolve(t *testing.T) {
	s := newScene(t, `
rules:
  - {name: errors, threshold: {query: "level:error", window: 5m, by: service.name, above: 10}, for: 1m, every: 30s, title: '{{index .labels "service.name"}}: {{.value}}'}
`+quickRoute)
	r := s.rules.Of("errors")
	bank := func(n int64) []Sample {
		return []Sample{{map[string]string{"service.name": "bank"}, n}, {map[string]string{"service.name": "game"}, 2}}
	}
	for i, n := range []int64{11, 12, 13, 3} {
		s.part.Sampled(r, s.now, bank(n))
		s.step()
		switch i {
		case 2:
			if s.told.all[0].Title != "bank: 11" {
				t.Errorf("title is %q", s.told.all[0].Title)
			}
			s.wants("ops: firing errors/bank")
		case 3:
			s.wants("ops: resolved errors/bank")
		default:
			s.wants()
		}
		s.after(30 * time.Second)
	}
	s.load()
	if !s.part.Asked(r).Equal(start.Add(90 * time.Second)) {
		t.Errorf("asked at %s", s.part.Asked(r))
	}
}

func TestAGroupIsToldAtIntervalsAndAgain(t *testing.T) {
	s := newScene(t, strings.Replace(stalledRule, "group_interval: 100ms", "group_wait: 10s, group_interval: 1m, repeat_interval: 1h", 1))
	s.change("a", journey.Stalled, "bank")
	s.step()
	s.after(9*time.Second).change("b", journey.Stalled, "bank")
	s.step()
	s.wants()
	s.after(time.Second).step()
	s.wants("ops: firing bank-stalled/a, firing bank-stalled/b")
	s.after(time.Second).change("c", journey.Stalled, "bank")
	s.change("a", journey.Delivered, "bank")
	s.after(58 * time.Second).step()
	s.wants()
	s.load2()
	s.after(time.Second).step()
	s.wants("ops: firing bank-stalled/b, firing bank-stalled/c, resolved bank-stalled/a")
	s.after(59 * time.Minute).step()
	s.wants()
	s.after(time.Minute).step()
	s.wants("ops: firing bank-stalled/b, firing bank-stalled/c")
}

func TestAStormIsOneNotification(t *testing.T) {
	s := newScene(t, stalledRule)
	for i := range 10_000 {
		s.change(fmt.Sprint(i), journey.Stalled, "bank")
	}
	s.step()
	if len(s.told.all) != 1 {
		t.Fatalf("%d notifications", len(s.told.all))
	}
	n := s.told.all[0]
	if len(n.Alerts) != shownAlerts || !strings.Contains(n.Title, "10000 firing") || !strings.Contains(n.Text, "and 9990 more") || len(encode(n)) > 500_000 {
		t.Errorf("%d alerts, %q, %q, %d bytes", len(n.Alerts), n.Title, n.Text, len(encode(n)))
	}
}

func TestRoutesChooseReceivers(t *testing.T) {
	s := newScene(t, `
rules:
  - {name: x, journey: 'verdict == "stalled"', severity: critical, labels: {team: pay}}
  - {name: y, journey: 'verdict == "stalled"', labels: {team: "{{.kind}}"}}
receivers: [{name: ops}, {name: pager}, {name: web}]
route:
  receiver: ops
  group_interval: 100ms
  routes:
    - {match: [severity = critical], receiver: pager, continue: true}
    - {match: ['team =~ "p.*"'], receiver: web}
`)
	s.change("a", journey.Stalled)
	s.step()
	got := s.told.lines()
	slices.Sort(got)
	if want := []string{"ops: firing y/a", "pager: firing x/a", "web: firing x/a"}; !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

func TestSilencesAndInhibitionsKeepQuietUntilTheyEnd(t *testing.T) {
	s := newScene(t, `
rules:
  - {name: x, journey: 'verdict == "stalled"'}
  - {name: down, journey: 'verdict == "exception"', severity: critical}
receivers: [{name: ops}]
route: {receiver: ops, group_interval: 100ms}
inhibit: [{source: [rule = down], target: [rule = x]}]
`)
	silence, err := NewSilence([]string{"alert = x/a"}, s.now, s.now.Add(time.Hour), "ada", "known")
	if err != nil {
		t.Fatal(err)
	}
	again, ok := ParseSilence(silence.Key(), silence.Encode())
	if !ok || again.Match[0].String() != `alert="x/a"` {
		t.Fatalf("a silence is read as %+v", again)
	}
	s.part.SetSilences([]Silence{again})
	s.change("a", journey.Stalled)
	s.change("b", journey.Stalled)
	s.step()
	s.wants("ops: firing x/b")
	s.after(time.Second).change("c", journey.Exception)
	s.change("d", journey.Stalled)
	s.step()
	s.wants("ops: firing down/c")
	s.load2() // who was muted is known to the next owner
	s.part.SetSilences([]Silence{again})
	s.change("d", journey.Delivered) // healed before anybody was told
	s.change("c", journey.Delivered)
	s.after(time.Second).step()
	s.wants("ops: resolved down/c")
	s.after(time.Hour).step()
	s.wants("ops: firing x/a, firing x/b")
}

func TestOtherPartitionsInhibit(t *testing.T) {
	s := newScene(t, `
rules: [{name: x, journey: 'verdict == "stalled"'}, {name: away, store: {}}]
receivers: [{name: ops}]
route: {receiver: ops, group_interval: 100ms}
inhibit: [{source: [rule = away], target: [rule = x]}]
`)
	s.part.SetOutside([]*State{{Rule: "away", Status: Firing}})
	s.change("a", journey.Stalled)
	s.step()
	s.wants()
	s.part.SetOutside(nil)
	s.after(time.Second).step()
	s.wants("ops: firing x/a")
}

func TestAnotherFileEndsWhatItDoesNotAskAnyMore(t *testing.T) {
	s := newScene(t, stalledRule)
	s.change("a", journey.Stalled, "bank")
	s.step()
	s.wants("ops: firing bank-stalled/a")
	same, err := ParseRules([]byte("self: false\n" + strings.Replace(stalledRule, "critical", "info", 1)))
	if err != nil {
		t.Fatal(err)
	}
	s.part.SetRules(same, s.now)
	s.after(time.Second).step()
	s.wants()
	other, err := ParseRules([]byte("self: false\n" + strings.Replace(stalledRule, `visited("bank")`, `visited("game")`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	s.part.SetRules(other, s.now)
	s.after(time.Second).step()
	s.wants("ops: resolved bank-stalled/a")
}

func TestANotificationThatIsNotTakenIsGivenAgain(t *testing.T) {
	s := newScene(t, stalledRule)
	s.told.failed = errors.New("away")
	s.change("a", journey.Stalled, "bank")
	if err := s.part.Step(t.Context(), s.now, s.journal, s.told, false); err == nil {
		t.Error("nobody says that the notifier is away")
	}
	s.told.failed = nil
	s.load()
	s.step()
	s.wants("ops: firing bank-stalled/a")
}

// How far sources were read is not written again and again where that changes nothing else.
func TestReadingAloneIsSeldomWritten(t *testing.T) {
	s := newScene(t, stalledRule)
	written := func() bool {
		before := string(s.journal.kept[placeKey])
		s.record("a", "bank", "nothing")
		s.step()
		return string(s.journal.kept[placeKey]) != before
	}
	if !written() {
		t.Error("the first is not written")
	}
	s.after(500 * time.Millisecond)
	if written() {
		t.Error("half a second later it is written again")
	}
	s.after(600 * time.Millisecond)
	if !written() {
		t.Error("a second later it is not written")
	}
}

// Of a step too large for one batch, a part may be there after a crash: what groups were told
// through, and not how many changes there were.
func TestNoChangeIsTakenForOneThatWasTold(t *testing.T) {
	s := newScene(t, stalledRule)
	s.change("a", journey.Stalled, "bank")
	s.step()
	s.wants("ops: firing bank-stalled/a")
	s.after(time.Second).step()
	delete(s.journal.kept, placeKey)
	s.load()
	s.offsets["journeys/3"] = 5
	s.after(time.Second).change("b", journey.Stalled, "bank")
	s.step()
	s.wants("ops: firing bank-stalled/a, firing bank-stalled/b")
}

// What was applied and is read again, because an absence beside it was too young to be
// written, fires nothing again.
func TestWhatIsReadAgainIsNotAppliedAgain(t *testing.T) {
	s := newScene(t, `
rules:
  - {name: gone, absence: {after: 'message == "debited"', expect: 'message == "credited"', within: 1h}}
  - {name: declined, record: 'message == "declined"', keep: 1s}
`+quickRoute)
	debited := s.record("a", "bank", "debited")
	declined := s.record("a", "bank", "declined")
	s.step()
	s.wants("ops: firing declined/" + declined.ID)
	s.after(1500 * time.Millisecond).step()
	s.wants("ops: resolved declined/" + declined.ID)
	s.load2()
	reading, _ := s.part.Reading("records/3")
	if reading.From != 0 || reading.Applied != 2 {
		t.Fatalf("it reads from %+v", reading)
	}
	for i, again := range []record.Record{debited, declined} {
		if s.part.CaughtUp("records/3", int64(i)) {
			t.Error("it has caught up before all is read again")
		}
		s.part.Record(&again, &Taken{Source: "records/3", Offset: int64(i), Time: start}, s.now)
	}
	s.after(time.Second).step()
	s.wants()
	if !s.part.CaughtUp("records/3", 2) || s.part.Waiting() != 1 {
		t.Error("it has not caught up")
	}
}
