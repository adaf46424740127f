package journey

import (
	"math"
	"slices"
	"time"
)

// clocks bounds how far the instances' clocks are apart. What is received was
// sent before: that bounds the difference of two clocks from one side, and chains
// of such bounds bound those of others.
//
// It is the problem of difference constraints: bound[a][b] is the most that b's
// clock may be ahead of a's, a distance of which the shortest paths are taken.
// See R. Bellman, "On a routing problem" (1958), and Cristian's "Probabilistic
// clock synchronization" (1989) for the interval of a call and its answer.
type clocks struct {
	nodes  []string // in causal order of their first hop
	at     map[string]int
	bound  [][]time.Duration // unbound: nothing tells
	direct map[[2]int]bool   // pairs that something went between
	broken bool              // the bounds contradict each other: a clock was set on the way
}

const unbound = time.Duration(math.MaxInt64)

// maxClocks bounds the instances whose clocks are compared.
const maxClocks = 128

func (j *judge) clocks() *clocks {
	c := &clocks{at: map[string]int{}, direct: map[[2]int]bool{}}
	for _, v := range j.visits {
		if _, ok := c.at[v.hop.Node]; !ok && v.hop.Node != "" && len(c.nodes) < maxClocks {
			c.at[v.hop.Node] = len(c.nodes)
			c.nodes = append(c.nodes, v.hop.Node)
		}
	}
	c.bound = make([][]time.Duration, len(c.nodes))
	for i := range c.bound {
		c.bound[i] = slices.Repeat([]time.Duration{unbound}, len(c.nodes))
		c.bound[i][i] = 0
	}
	for i := range j.legs {
		l := &j.legs[i]
		if l.to == nil || l.from.start == none || l.to.root.start == none {
			continue
		}
		g := j.graph
		sent, received := g.rs[l.from.start], g.rs[l.to.root.start]
		c.before(sent.Node, received.Node, received.Time.Sub(sent.Time))
		if g.answered(l.from, l.to.root) {
			back := g.rs[l.from.end]
			c.before(received.Node, back.Node, back.Time.Sub(received.Time))
		}
	}
	c.close()
	return c
}

// before notes that something went from one instance to another and seems to have
// taken so long.
func (c *clocks) before(from, to string, took time.Duration) {
	a, known := c.at[from]
	b, alsoKnown := c.at[to]
	if !known || !alsoKnown || a == b {
		return
	}
	c.bound[a][b] = min(c.bound[a][b], took)
	c.direct[[2]int{min(a, b), max(a, b)}] = true
}

// close takes the shortest paths.
func (c *clocks) close() {
	for via := range c.nodes {
		for a := range c.nodes {
			if c.bound[a][via] == unbound {
				continue
			}
			for b := range c.nodes {
				if d := c.bound[via][b]; d != unbound {
					c.bound[a][b] = min(c.bound[a][b], c.bound[a][via]+d)
				}
			}
		}
	}
	for a := range c.nodes {
		c.broken = c.broken || c.bound[a][a] < 0
	}
}

// between is the interval of to's clock less from's; unbound and its opposite: nothing tells.
func (c *clocks) between(from, to string) (least, most time.Duration) {
	a, known := c.at[from]
	b, alsoKnown := c.at[to]
	if !known || !alsoKnown || c.broken {
		return -unbound, unbound
	}
	return -c.bound[b][a], c.bound[a][b]
}

// told is a bound; nil: it is none.
func told(d time.Duration) *time.Duration {
	if d == unbound || d == -unbound {
		return nil
	}
	return &d
}

// skews are the intervals of all pairs that something went between.
func (c *clocks) skews() []Skew {
	out := []Skew{}
	if c.broken {
		return out
	}
	for a := range c.nodes {
		for b := a + 1; b < len(c.nodes); b++ {
			if c.direct[[2]int{a, b}] {
				s := Skew{From: c.nodes[a], To: c.nodes[b]}
				least, most := c.between(s.From, s.To)
				s.Min, s.Max = told(least), told(most)
				out = append(out, s)
			}
		}
	}
	return out
}

// shifts are the moves that put every effect behind its cause. The instance where
// the journey began stays; each after it moves as little as those before it allow.
func (c *clocks) shifts() map[string]time.Duration {
	out := map[string]time.Duration{}
	if c.broken {
		return out
	}
	for i, node := range c.nodes {
		var by time.Duration
		least, most := time.Duration(math.MinInt64), unbound
		for k := range i {
			moved := out[c.nodes[k]]
			if d := c.bound[k][i]; d != unbound {
				least = max(least, moved-d)
			}
			if d := c.bound[i][k]; d != unbound {
				most = min(most, moved+d)
			}
		}
		by = min(max(by, least), most)
		out[node] = by
	}
	return out
}

// setClocks fills what the journey says of clocks.
func (j *Journey) setClocks(c *clocks, services map[string]string) {
	j.Skews = c.skews()
	shifts := c.shifts()
	for _, node := range c.nodes {
		if by := shifts[node]; by != 0 {
			j.Shifts = append(j.Shifts, Shift{services[node], node, by})
		}
	}
	if c.broken {
		j.warn("what was sent and received contradicts any one setting of the services' clocks: a clock was set on the way")
	}
}

// bound says what a leg took, whatever the clocks' skew.
func (l *leg) bound(c *clocks, from, to string) {
	if l.to == nil {
		return
	}
	took := *l.Duration
	if from == to && from != "" {
		l.Least, l.Most = &took, &took
		return
	}
	least, most := c.between(from, to)
	if most != unbound {
		l.Least = told(took - most)
	}
	if least != -unbound {
		l.Most = told(took - least)
	}
}
