package evidence

import (
	"cmp"
	"slices"
	"time"

	"github.com/waybill-log/waybill/journey"
)

// Lag is how far a consumer group has come in one partition.
type Lag struct {
	Group     string
	Topic     string
	Partition int32
	Committed int64 // offset of the next message; negative: it never committed
	End       int64 // offset of the message that comes next in the partition; negative: not known
	Members   bool  // somebody is in the group; of the collectors' that is not asked
	Own       bool  // it is the collectors', and Committed is through which offset records are stored
	AsOf      time.Time
}

// Lags are those of the collectors, and of the groups that a verdict may rest on: that a route
// names, that read a topic which has a route, or that somebody is in.
func (g *Gatherer) Lags() ([]Lag, error) {
	out, err := g.horizon.Lags()
	if err != nil {
		return nil, err
	}
	routed := map[string]bool{}
	for _, r := range g.routes {
		routed[r.Topic] = true
	}
	for _, group := range g.groups.all() {
		if !group.Members && !routed[group.Topic] && !slices.ContainsFunc(g.routes, func(r journey.Route) bool { return slices.Contains(r.Groups, group.Name) }) {
			continue
		}
		l := Lag{Group: group.Name, Topic: group.Topic, Partition: group.Partition, Committed: group.Committed, End: -1, Members: group.Members, AsOf: group.AsOf}
		if n := len(group.Ends); n > 0 {
			l.End = max(group.Ends[n-1].Offset, l.Committed) // asked a moment apart
		}
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b Lag) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out, nil
}

// Lags are the collectors', in any order.
func (h *Horizon) Lags() ([]Lag, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.refresh(); err != nil || len(h.stored) == 0 {
		return nil, err
	}
	latest := h.stored[len(h.stored)-1]
	var out []Lag
	for p, stored := range latest.offsets {
		out = append(out, Lag{Group: h.group, Topic: h.topic, Partition: p, Committed: stored, End: max(h.ends[p], stored), Own: true, AsOf: h.asked})
	}
	return out, nil
}
