package alerts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

var errKilled = errors.New("killed")

// dying is a journal and a notifier of a process that is killed when it has come so far.
type dying struct {
	journal *memory
	told    *told
	mu      sync.Mutex
	left    int // calls until it is killed; negative: never
	said    map[string]string
	t       *testing.T
}

func (d *dying) spend() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left == 0 {
		return errKilled
	}
	d.left--
	return nil
}

func (d *dying) Put(key string, value []byte) { d.journal.Put(key, value) }
func (d *dying) Delete(key string)            { d.journal.Delete(key) }

// Flush is killed before or after it has worked.
func (d *dying) Flush(ctx context.Context) error {
	if err := d.spend(); err != nil {
		clear(d.journal.put)
		return err
	}
	if err := d.journal.Flush(ctx); err != nil {
		return err
	}
	return d.spend()
}

// Notify is killed before or after it has worked.
func (d *dying) Notify(ctx context.Context, n Notification) error {
	if err := d.spend(); err != nil {
		return err
	}
	d.told.mu.Lock()
	content := fmt.Sprint(n.Alerts)
	if was, there := d.said[n.ID]; there && was != content {
		d.t.Errorf("%s says another thing than before:\n\t%s\n\t%s", n.ID, was, content)
	}
	d.said[n.ID] = content
	d.told.mu.Unlock()
	_ = d.told.Notify(ctx, n)
	return d.spend()
}

// happening is one message of the day that is lived through again and again.
type happening struct {
	at     time.Duration
	change *Change
	record *record.Record
}

func aDay(r *rand.Rand) (day []happening, of map[string][]record.Record) {
	of = map[string][]record.Record{}
	for i := range 30 {
		key := fmt.Sprintf("k%d", i)
		at := time.Duration(r.IntN(60_000)) * time.Millisecond
		rec := func(at time.Duration, service, message string) {
			one := record.Record{Time: start.Add(at), ID: fmt.Sprintf("%s-%s", key, message), CorrelationID: key, CorrelationKey: key, Service: service, Message: message}
			of[key] = append(of[key], one)
			day = append(day, happening{at: at, record: &one})
		}
		verdict := func(at time.Duration, v journey.Verdict) {
			since := start.Add(at)
			day = append(day, happening{at: at, change: &Change{Key: key, At: since, Summary: journey.Summary{CorrelationID: key, Verdict: v, Since: &since, Stations: []string{"bank"}}}})
		}
		rec(at, "bank", "debited")
		switch i % 4 {
		case 0:
			rec(at+time.Duration(r.IntN(9000))*time.Millisecond, "game", "credited")
			verdict(at+time.Second, journey.Delivered)
		case 1: // never
			verdict(at+20*time.Second, journey.Stalled)
		case 2: // late
			rec(at+40*time.Second, "game", "credited")
			verdict(at+20*time.Second, journey.Stalled)
			verdict(at+41*time.Second, journey.Delivered)
		case 3:
			rec(at+time.Second, "bank", "declined")
		}
	}
	slices.SortStableFunc(day, func(a, b happening) int { return int(a.at - b.at) })
	return day, of
}

const dayRules = `
self: false
rules:
  - {name: stalled, journey: 'verdict == "stalled" && visited("bank")'}
  - {name: not-credited, absence: {after: 'message == "debited"', expect: 'message == "credited"', within: 10s}}
  - {name: declined, record: 'message == "declined"', keep: 10s}
receivers: [{name: ops}, {name: web}]
route: {receiver: ops, group_by: [alert], group_interval: 1s, routes: [{match: [rule = declined], receiver: web, group_by: [rule], group_interval: 5s}]}
`

// live goes through a day, killed when it has come so far, and then to the end. It returns
// which alerts somebody was told fire, and how often under which ID.
func live(t *testing.T, day []happening, of map[string][]record.Record, kills []int) *told {
	t.Helper()
	rules, err := ParseRules([]byte(dayRules))
	if err != nil {
		t.Fatal(err)
	}
	journal, notified := newMemory(), &told{}
	d := &dying{journal: journal, told: notified, left: -1, said: map[string]string{}, t: t}
	part := NewPart(PartConfig{Number: 1, Rules: rules}, journal.all())
	next := func() { // kills come one after the other
		d.left = -1
		if len(kills) > 0 {
			d.left, kills = kills[0], kills[1:]
		}
	}
	next()
	read := map[string]int{} // by source: how many of its messages were read
	for now := start; now.Before(start.Add(5 * time.Minute)); now = now.Add(500 * time.Millisecond) {
		for source, is := range map[string]func(*happening) bool{"records": func(h *happening) bool { return h.record != nil }, "journeys": func(h *happening) bool { return h.change != nil }} {
			offset := 0
			for i := range day {
				h := &day[i]
				if !is(h) {
					continue
				}
				if start.Add(h.at).After(now) {
					break
				}
				if m := (&Taken{Source: source, Offset: int64(offset), Time: start.Add(h.at)}); offset < read[source] {
				} else if h.record != nil {
					part.Record(h.record, m, now)
				} else {
					part.Change(h.change, m)
				}
				offset++
			}
			read[source] = max(read[source], offset)
		}
		part.Pass(now, now)
		if part.CaughtUp("records", int64(read["records"])) {
			for _, doubt := range part.Doubts(now, 100) {
				var known []record.Record
				for _, r := range of[doubt.Key] {
					if !r.Time.After(now) {
						known = append(known, r)
					}
				}
				part.Settle(doubt, known, now)
			}
		}
		err := part.Step(t.Context(), now, d, d, false)
		if errors.Is(err, errKilled) {
			next()
			part = NewPart(PartConfig{Number: 1, Rules: rules}, journal.all())
			clear(read)
			for _, source := range []string{"records", "journeys"} {
				if reading, ok := part.Reading(source); ok {
					read[source] = int(reading.From)
				}
			}
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return notified
}

// fired are the alerts that somebody was told, by receiver, and what became of them at last.
func fired(n *told) map[string]string {
	out := map[string]string{}
	for _, one := range n.all {
		for _, a := range one.Alerts {
			key := one.Receiver + " " + a.Key + " " + a.StartsAt.Format(time.RFC3339Nano)
			if out[key] != Resolved {
				out[key] = a.Status
			}
		}
	}
	return out
}

// A process is killed again and again, wherever it is: nobody misses an alert or its end, and
// what comes twice has the same ID and says the same.
func TestNothingIsLostWhereverAProcessIsKilled(t *testing.T) {
	for seed := range uint64(110) {
		r := rand.New(rand.NewPCG(seed, 12))
		day, of := aDay(r)
		want := fired(live(t, day, of, nil))
		if len(want) < 15 {
			t.Fatalf("the day has only %d alerts", len(want))
		}
		var kills []int
		for range 1 + r.IntN(12) {
			kills = append(kills, r.IntN(120))
		}
		notified := live(t, day, of, kills)
		if got := fired(notified); !maps.Equal(got, want) {
			t.Fatalf("seed %d, killed at %v: told\n\t%s\nwant\n\t%s", seed, kills, lines(got), lines(want))
		}
		// Twice is only what has the same ID.
		times := map[string]string{}
		for id, n := range notified.byID {
			for _, a := range n.Alerts {
				key := n.Receiver + a.Key + a.StartsAt.String() + a.Status
				if n.Receiver == "ops" && times[key] != "" {
					t.Fatalf("seed %d, killed at %v: %s is told as %s and as %s", seed, kills, key, times[key], id)
				}
				times[key] = id
			}
		}
	}
}

func lines(m map[string]string) string {
	var out []string
	for _, key := range sortedKeys(m) {
		out = append(out, key+" "+m[key])
	}
	return strings.Join(out, "\n\t")
}
