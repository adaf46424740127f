package live

import (
	"fmt"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// group is the clients with one filter: each record is matched once for all of them, and
// what matches waits once. The follower's lock guards its queue.
type group struct {
	name    string
	matcher *filter.Matcher
	hide    func(store.Entry) bool
	clients int

	queue  ring[*item] // what matched; numbers count what has ever matched
	bytes  int
	before string // the token of the last one that left the queue
	fed    bool   // since the bell rang
	bell   bell
}

func groupName(r *Request) string { return r.Holder + "\x00" + fmt.Sprintf("%#v", r.Filter) }

func newGroup(name string, r *Request) *group {
	return &group{name: name, matcher: filter.NewMatcher(r.Filter), hide: r.Hide}
}

func (g *group) matches(e store.Entry) bool { return !g.hides(e) && g.matcher.Match(e.Raw) }

func (g *group) hides(e store.Entry) bool { return g.hide != nil && g.hide(e) }

// push queues an item. What does not fit leaves: who has not taken it yet skips it.
func (g *group) push(i *item, records, bytes int) {
	g.queue.push(i)
	g.fed = true
	g.bytes += len(i.entry.Raw)
	for g.queue.len() > records || g.bytes > bytes && g.queue.len() > 1 {
		g.shift()
	}
}

// trim lets go what the memory has let go, from an item's number on down.
func (g *group) trim(first uint64) {
	for g.queue.len() > 0 && g.queue.at(g.queue.first).number < first {
		g.shift()
	}
}

func (g *group) shift() {
	i := g.queue.shift()
	g.bytes -= len(i.entry.Raw)
	g.before = i.token
}
