package discovery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// How long an instance is avoided: after the first failure, and at most, with
// twice as long for each further one.
const (
	avoidFirst = 500 * time.Millisecond
	avoidMost  = 15 * time.Second
)

// balancer spreads one service's calls.
type balancer struct {
	mu    sync.Mutex
	nodes map[string]*node // by instance ID
	of    []Instance       // the answer that nodes are of
	all   []*node          // in the order of that answer
	avoid time.Time        // when the last one is no longer avoided
}

// node is an instance with what this client has seen of it.
type node struct {
	Instance
	calls    int // under way
	failures int // in a row
	avoid    time.Time
}

// Pick chooses the less busy of two random instances of a service, by the calls of
// this client that are under way. One whose last call failed is avoided for a
// while, unless that goes for all. The func is to be called when the call has
// ended, with the call's error; further calls of it do nothing.
func (c *Client) Pick(ctx context.Context, service string) (Instance, func(err error), error) {
	l, err := c.lookup(service)
	if err != nil {
		return Instance{}, nil, err
	}
	instances, err := c.instances(ctx, service, l)
	if err != nil {
		return Instance{}, nil, err
	}
	if len(instances) == 0 {
		return Instance{}, nil, fmt.Errorf("pick %s: %w", service, ErrNobody)
	}
	n := l.balancer.pick(instances, time.Now())
	var once sync.Once
	return n.Instance, func(err error) { once.Do(func() { l.balancer.ended(n, err) }) }, nil
}

// pick takes two by chance and counts a call on the less busy: nearly as even as
// looking at all, and callers who know little of each other do not all run to the
// same one.
func (b *balancer) pick(instances []Instance, now time.Time) *node {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.follow(instances)
	from := b.willing(now)
	i := rand.N(len(from))
	n := from[i]
	if len(from) > 1 {
		if other := from[(i+1+rand.N(len(from)-1))%len(from)]; other.calls < n.calls {
			n = other
		}
	}
	n.calls++
	return n
}

// follow takes over a new answer; instances in both keep what is known of them.
func (b *balancer) follow(instances []Instance) {
	if len(b.of) == len(instances) && &b.of[0] == &instances[0] {
		return
	}
	nodes := make(map[string]*node, len(instances))
	all := make([]*node, len(instances))
	for i, in := range instances {
		n := b.nodes[in.ID]
		if n == nil || n.Instance != in {
			n = &node{Instance: in}
		}
		all[i], nodes[in.ID] = n, n
	}
	b.nodes, b.of, b.all = nodes, instances, all
}

// willing are the nodes that are not avoided, or all where every one is.
func (b *balancer) willing(now time.Time) []*node {
	if !now.Before(b.avoid) {
		return b.all
	}
	var some []*node
	for _, n := range b.all {
		if !now.Before(n.avoid) {
			some = append(some, n)
		}
	}
	if len(some) == 0 {
		return b.all
	}
	return some
}

func (b *balancer) ended(n *node, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n.calls--
	switch {
	case err == nil:
		n.failures, n.avoid = 0, time.Time{}
	case errors.Is(err, context.Canceled): // the caller's doing, says nothing of the instance
	default:
		n.avoid = time.Now().Add(min(avoidMost, avoidFirst<<min(n.failures, 10)))
		n.failures++
		if b.avoid.Before(n.avoid) {
			b.avoid = n.avoid
		}
	}
}
