package hook

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

// maxGathered bounds the notifications in one; their hashes take 80 KB.
const maxGathered = 5000

// gather makes one of all that wait and have never been tried, where there is more than one.
// It is in the journal before they leave it: a crash loses none.
func (l *lane) gather(at *receiver) bool {
	b := l.box
	b.mu.Lock()
	var members []*parcel
	for _, p := range l.waiting {
		if p.fresh() && len(members) < maxGathered {
			members = append(members, p)
		}
	}
	if len(members) < 2 {
		b.mu.Unlock()
		return false
	}
	slices.SortFunc(members, func(a, c *parcel) int { return int(int64(a.Seq) - int64(c.Seq)) })
	all := gathered(members, at, time.Now())
	b.m.queued(all)
	b.put(l, all)
	for _, p := range members {
		p.tried = true // by nobody else
	}
	b.mu.Unlock()
	if !b.keep() {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	gone := make(map[*parcel]bool, len(members))
	for _, p := range members {
		gone[p] = true
		l.known[hashOf(p.Delivery.ID)] = all
		b.journal.Delete(waitingKey(l.receiver, p.Delivery.ID))
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(p *parcel) bool { return gone[p] })
	l.take(all)
	b.m.gathered(members, all)
	return true
}

// gathered is the one notification for many. Of an alert that is in several the last
// counts; of what does not fit there are numbers.
func gathered(members []*parcel, at *receiver, now time.Time) *parcel {
	ids := make([]byte, 0, len(members)*len(idHash{}))
	n := alerts.Notification{Receiver: at.Name, Status: "resolved", Time: now, Labels: maps.Clone(members[0].Notification.Labels)}
	last := map[string]int{} // place of an alert, by key
	for _, p := range members {
		id := hashOf(p.Delivery.ID)
		ids = append(ids, id[:]...)
		maps.DeleteFunc(n.Labels, func(key, value string) bool { return p.Notification.Labels[key] != value })
		n.Severity = worse(n.Severity, p.Notification.Severity)
		for _, a := range p.Notification.Alerts {
			if i, twice := last[a.Key]; twice && a.Key != "" {
				n.Alerts[i] = a
				continue
			}
			last[a.Key] = len(n.Alerts)
			n.Alerts = append(n.Alerts, a)
		}
		if p.Notification.Status != n.Status {
			n.Status = "firing"
		}
	}
	name := hashOf(string(ids))
	n.ID = "gathered-" + hex.EncodeToString(name[:])
	n.Title = fmt.Sprintf("%d notifications in one: they came faster than %s takes them (%d a minute)", len(members), at.Name, at.Ceiling.PerMinute)
	n.Text = countedByRule(n.Alerts)
	n, _ = bounded(n) // it has an ID, and a time of now
	p := &parcel{Notification: n, Members: ids, Delivery: newDelivery(n, at.Name, now)}
	p.Delivery.Gathered = len(members)
	return p
}

// maxCounted bounds the rules that a gathered notification counts.
const maxCounted = 20

func countedByRule(all []alerts.Alert) string {
	counts := map[string]int{}
	for _, a := range all {
		counts[cut(a.Rule, 100)+", "+cut(a.Status, 100)]++
	}
	rules := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	var text strings.Builder
	fmt.Fprintf(&text, "%d alerts:", len(all))
	for i, rule := range rules {
		if i == maxCounted {
			fmt.Fprintf(&text, "\n… and of %d rules more", len(rules)-i)
			break
		}
		fmt.Fprintf(&text, "\n%d of %s", counts[rule], rule)
	}
	return text.String()
}

// severities that are usual, the worst first.
var severities = [...]string{"critical", "page", "error", "warning", "info"}

// worse is the worse of two severities; of unusual ones, a.
func worse(a, b string) string {
	rank := func(s string) int {
		if i := slices.Index(severities[:], strings.ToLower(s)); i >= 0 {
			return i
		}
		return len(severities)
	}
	if a == "" || rank(b) < rank(a) {
		return b
	}
	return a
}
