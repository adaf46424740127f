package alerts

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// group are alerts that one receiver is told of together.
type group struct {
	groupState
	key     string
	members map[*alert]bool
	route   *Route
	since   time.Time // when there first was something to tell; zero: there is nothing
}

// groupState is what is kept of a group.
type groupState struct {
	Receiver string            `json:"receiver"`
	Labels   map[string]string `json:"labels,omitempty"`
	Told     uint64            `json:"told"`              // the number of changes through which it was told
	At       time.Time         `json:"at"`                // when
	Pending  *Notification     `json:"pending,omitempty"` // what is to be told, word by word; nil: nothing is under way
}

// join puts an alert in the groups that its routes say.
func (p *Part) join(a *alert) {
	for _, r := range p.rules.Route.of(a.Label) {
		labels := make(map[string]string, len(r.GroupBy))
		var key strings.Builder
		key.WriteString(r.Receiver)
		for _, name := range r.GroupBy {
			labels[name] = a.Label(name)
			key.WriteString("," + name + "=" + strconv.Quote(labels[name]))
		}
		g := p.groups[key.String()]
		if g == nil {
			g = &group{key: key.String(), members: map[*alert]bool{}, groupState: groupState{Receiver: r.Receiver, Labels: labels}}
			p.groups[g.key] = g
		}
		g.route = r
		g.members[a] = true
		if !slices.Contains(a.groups, g) {
			a.groups = append(a.groups, g)
		}
	}
	if a.Status == Firing && p.rules.Inhibits(&a.State) {
		p.sources[a] = true
	}
	if a.Muted {
		p.muted[a] = true
	}
	p.touch(a)
}

func (p *Part) touch(a *alert) {
	for _, g := range a.groups {
		p.touched[g] = true
	}
}

// quiet reports why nobody is to be told of an alert now; empty: somebody is.
func (p *Part) quiet(s *State, now time.Time) string {
	for i := range p.silences {
		if p.silences[i].Keeps(s, now) {
			return "silence " + p.silences[i].ID
		}
	}
	if len(p.rules.Inhibitions) == 0 {
		return ""
	}
	for a := range p.sources {
		if why := p.kept(&a.State, s); why != "" {
			return why
		}
	}
	for _, source := range p.outside {
		if why := p.kept(source, s); why != "" {
			return why
		}
	}
	return ""
}

func (p *Part) kept(source, target *State) string {
	if source == target {
		return ""
	}
	for _, in := range p.rules.Inhibitions {
		if in.keeps(source.Label, target.Label) {
			return "inhibited by " + source.Key()
		}
	}
	return ""
}

const (
	repeatsEvery = 10 * time.Second
	mutedEvery   = time.Second
)

// tell freezes the notifications that are due.
func (p *Part) tell(now time.Time) {
	p.unmute(now)
	if now.Sub(p.repeatsAt) >= repeatsEvery {
		p.repeatsAt = now
		for _, g := range p.groups {
			if g.route != nil && !g.At.IsZero() && now.Sub(g.At) >= g.route.Repeat {
				p.touched[g] = true
			}
		}
	}
	for g := range p.touched {
		if g.Pending != nil {
			continue
		}
		if g.since.IsZero() {
			g.since = now
		}
		if g.route != nil && (g.At.IsZero() && now.Sub(g.since) < g.route.Wait || !g.At.IsZero() && now.Sub(g.At) < g.route.Interval) {
			continue
		}
		delete(p.touched, g)
		g.since = time.Time{}
		p.tellGroup(g, now)
	}
}

// unmute has those told of whom a silence or an inhibition kept quiet that is over.
func (p *Part) unmute(now time.Time) {
	if len(p.muted) == 0 || now.Sub(p.mutedAt) < mutedEvery {
		return
	}
	p.mutedAt = now
	for a := range p.muted {
		if p.quiet(&a.State, now) == "" {
			delete(p.muted, a)
			a.Muted, a.Seq = false, p.next()
			a.Fired = a.Seq
			p.mark(alertKeys + a.key)
			p.touch(a)
		}
	}
}

// tellGroup freezes what there is to tell of a group.
func (p *Part) tellGroup(g *group, now time.Time) {
	var fresh, firing, resolved []*alert
	for a := range g.members {
		switch {
		case a.Status == Resolved:
			if !a.Muted && a.Fired <= g.Told && a.Seq > g.Told {
				resolved = append(resolved, a)
			}
		case p.quiet(&a.State, now) != "":
			if a.Seq > g.Told && !a.Muted {
				a.Muted = true
				p.muted[a] = true
				p.mark(alertKeys + a.key)
			}
		case a.Seq > g.Told:
			fresh = append(fresh, a)
		case !a.Muted:
			firing = append(firing, a)
		}
	}
	again := g.route != nil && !g.At.IsZero() && now.Sub(g.At) >= g.route.Repeat && len(firing) > 0
	if len(fresh)+len(resolved) > 0 || again {
		for _, some := range [][]*alert{fresh, firing, resolved} {
			slices.SortFunc(some, func(a, b *alert) int { return cmp.Or(a.StartsAt.Compare(b.StartsAt), cmp.Compare(a.key, b.key)) })
		}
		g.Told, g.At = p.next(), now.UTC()
		if g.Receiver != "" {
			g.Pending = p.notification(g, slices.Concat(fresh, firing), resolved, now)
		}
	} else if len(g.members) > 0 {
		g.Told = p.place.Seq
	}
	p.mark(groupKeys + g.key)
	for a := range g.members {
		p.settled(a)
	}
	p.drop(g)
}

// drop forgets a group of nobody.
func (p *Part) drop(g *group) {
	if len(g.members) == 0 && g.Pending == nil {
		delete(p.groups, g.key)
		delete(p.touched, g)
		p.mark(groupKeys + g.key)
	}
}

// notification words a group.
func (p *Part) notification(g *group, firing, resolved []*alert, now time.Time) *Notification {
	all := slices.Concat(firing, resolved)
	n := &Notification{ID: p.id(g), Receiver: g.Receiver, Group: fmt.Sprintf("%s@%d", g.key, p.number), Status: Resolved, Severity: Info, Time: now.UTC()}
	if len(firing) > 0 {
		n.Status = Firing
	}
	most := maxText
	if len(all) > shortTextsIf {
		most = shortText
	}
	var text strings.Builder
	for i, a := range all {
		if worse(a.Severity, n.Severity) {
			n.Severity = a.Severity
		}
		if i >= shownAlerts {
			continue
		}
		one := a.shown(p.url, most)
		if i == 0 {
			n.Labels = maps.Clone(one.Labels)
		} else {
			maps.DeleteFunc(n.Labels, func(name, value string) bool { return one.Labels[name] != value })
		}
		n.Alerts = append(n.Alerts, one)
		if i < shortTextsIf && len(all) > 1 {
			fmt.Fprintf(&text, "%s: %s\n", a.Status, a.Title)
		}
	}
	switch {
	case len(all) == 1:
		n.Title, n.Text = all[0].Title, all[0].Text
	case len(firing) > 0:
		n.Title = fmt.Sprintf("%d firing: %s", len(firing), firing[0].Title)
	default:
		n.Title = fmt.Sprintf("%d resolved: %s", len(resolved), resolved[0].Title)
	}
	if len(all) > 1 {
		if more := len(all) - min(len(all), shortTextsIf); more > 0 {
			fmt.Fprintf(&text, "and %d more\n", more)
		}
		n.Text = strings.TrimSuffix(text.String(), "\n")
	}
	return n
}

func worse(a, b string) bool {
	rank := func(s string) int { return slices.Index([]string{Info, Warning, Critical}, s) }
	return rank(a) > rank(b)
}

// id names what a group is told now: by its key and the number it is told through, which
// never come again.
func (p *Part) id(g *group) string {
	sum := sha256.Sum256([]byte(g.key))
	return fmt.Sprintf("%s-%d-%d", hex.EncodeToString(sum[:8]), p.number, g.Told)
}

// Place is the partition whose owner decided on a notification, as its ID says.
func Place(n Notification) int32 {
	parts := strings.Split(n.ID, "-")
	if len(parts) != 3 {
		return 0
	}
	number, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil {
		return 0
	}
	return int32(number)
}
