package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/journey"
)

// Groups follows how far Kafka's consumer groups have come, in all topics but
// Waybill's own. Safe for concurrent use.
//
// What it says must be true of a moment: that a group had committed no more by
// AsOf, which is taken before Kafka is asked, and that a partition had reached an
// End by its Time, which is taken after Kafka has answered.
type Groups struct {
	client sarama.Client
	admin  sarama.ClusterAdmin
	own    string

	mu    sync.Mutex
	known map[groupAt]*journey.Group
	ends  map[partition][]journey.End
}

type partition struct {
	topic  string
	number int32
}

type groupAt struct {
	group string
	partition
}

// Bounds of what is followed. What is beyond is not known, which stalls nothing.
const (
	maxTopics = 500
	maxGroups = 1000
	maxEnds   = 256 // of one partition
)

const (
	pollEvery  = time.Second      // for offsets
	lookEvery  = 5 * time.Second  // for topics, groups and their members
	freshFor   = 2 * time.Minute  // all ends within are kept
	thinnedFor = 30 * time.Second // of older ones, one for each
)

// NewGroups reads over client, which stays the caller's. Own is the collectors' group.
func NewGroups(client sarama.Client, own string) (*Groups, error) {
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return nil, fmt.Errorf("follow groups: %w", err)
	}
	return &Groups{client: client, admin: admin, own: own, known: map[groupAt]*journey.Group{}, ends: map[partition][]journey.End{}}, nil
}

// scenery is what there is to ask for.
type scenery struct {
	partitions []partition // of topics
	topics     map[string][]int32
	groups     map[string]map[string]bool // by group, the topics that members of it read
}

// Follow asks once a second until ctx ends. Its errors are of Kafka; it can be
// called again.
func (g *Groups) Follow(ctx context.Context) error {
	var look scenery
	var looked time.Time
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if time.Since(looked) >= lookEvery {
			var err error
			if look, err = g.look(); err != nil {
				return fmt.Errorf("follow groups: %w", err)
			}
			looked = time.Now()
		}
		if err := g.ask(look); err != nil {
			return fmt.Errorf("follow groups: %w", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// look learns which topics, groups and members there are.
func (g *Groups) look() (scenery, error) {
	out := scenery{topics: map[string][]int32{}, groups: map[string]map[string]bool{}}
	if err := g.client.RefreshMetadata(); err != nil {
		return out, err
	}
	topics, err := g.client.Topics()
	if err != nil {
		return out, err
	}
	slices.Sort(topics)
	for _, topic := range topics {
		if strings.HasPrefix(topic, "waybill.") || strings.HasPrefix(topic, "__") || len(out.topics) == maxTopics {
			continue
		}
		numbers, err := g.client.Partitions(topic)
		if err != nil {
			return out, err
		}
		out.topics[topic] = numbers
		for _, n := range numbers {
			out.partitions = append(out.partitions, partition{topic, n})
		}
	}
	groups, err := g.admin.ListConsumerGroups()
	if err != nil {
		return out, err
	}
	delete(groups, g.own)
	names := slices.Sorted(maps.Keys(groups))
	names = names[:min(len(names), maxGroups)]
	if len(names) == 0 || len(out.topics) == 0 {
		return out, nil
	}
	described, err := g.admin.DescribeConsumerGroups(names)
	if err != nil {
		return out, err
	}
	for _, d := range described {
		if d.Err != sarama.ErrNoError {
			continue // gone, or with a coordinator that is moving: not known now
		}
		reads := map[string]bool{}
		for _, m := range d.Members {
			if about, err := m.GetMemberMetadata(); err == nil && about != nil {
				for _, topic := range about.Topics {
					reads[topic] = true
				}
			}
		}
		out.groups[d.GroupId] = reads
	}
	return out, nil
}

// ask learns how far groups have come, and then how far partitions reach.
func (g *Groups) ask(look scenery) error {
	known := map[groupAt]*journey.Group{}
	for name, reads := range look.groups {
		asOf := time.Now()
		answer, err := g.admin.ListConsumerGroupOffsets(name, look.topics)
		if errors.Is(err, sarama.ErrGroupIDNotFound) {
			answer, err = &sarama.OffsetFetchResponse{}, nil // the embedded broker's answer for a group without commits
		}
		if err != nil {
			return err
		}
		for _, p := range look.partitions {
			committed := int64(-1)
			if b := answer.GetBlock(p.topic, p.number); b != nil && b.Err == sarama.ErrNoError {
				committed = b.Offset
			}
			if committed >= 0 || reads[p.topic] {
				known[groupAt{name, p}] = &journey.Group{
					Name: name, Topic: p.topic, Partition: p.number, Committed: committed, Members: reads[p.topic], AsOf: asOf,
				}
			}
		}
	}
	ends, err := g.endsOf(look.partitions)
	if err != nil {
		return err
	}
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known = known
	for p := range g.ends {
		if _, there := ends[p]; !there {
			delete(g.ends, p)
		}
	}
	for p, offset := range ends {
		g.ends[p] = extend(g.ends[p], journey.End{Time: now, Offset: offset})
	}
	return nil
}

// endsOf asks each broker once.
func (g *Groups) endsOf(partitions []partition) (map[partition]int64, error) {
	requests := map[*sarama.Broker]*sarama.OffsetRequest{}
	for _, p := range partitions {
		leader, err := g.client.Leader(p.topic, p.number)
		if err != nil {
			return nil, err
		}
		r := requests[leader]
		if r == nil {
			r = sarama.NewOffsetRequest(g.client.Config().Version)
			requests[leader] = r
		}
		r.AddBlock(p.topic, p.number, sarama.OffsetNewest, 1)
	}
	out := map[partition]int64{}
	for leader, r := range requests {
		answer, err := leader.GetAvailableOffsets(r)
		if err != nil {
			_ = leader.Close() // so that it is opened anew
			return nil, err
		}
		for _, p := range partitions {
			if b := answer.GetBlock(p.topic, p.number); b != nil && b.Err == sarama.ErrNoError {
				out[p] = b.Offset
			}
		}
	}
	return out, nil
}

// extend notes an end. Where none came since the last, that one says it earlier; and
// of old ones some go: what is left says it later, which claims less.
func extend(ends []journey.End, e journey.End) []journey.End {
	if n := len(ends); n > 0 && ends[n-1].Offset >= e.Offset {
		if ends[n-1].Offset == e.Offset {
			return ends
		}
		ends = nil // the topic is a new one of its name
	}
	if len(ends) == maxEnds {
		ends = thin(ends, e.Time)
	}
	return append(ends, e)
}

func thin(ends []journey.End, now time.Time) []journey.End {
	var kept []journey.End
	for _, old := range ends {
		if n := len(kept); n == 0 || now.Sub(old.Time) <= freshFor || old.Time.Sub(kept[n-1].Time) >= thinnedFor {
			kept = append(kept, old)
		}
	}
	return kept[max(0, len(kept)-maxEnds/2):]
}

// Of is what is known of the groups that read some topics.
func (g *Groups) Of(topics map[string]bool) []journey.Group {
	return g.those(func(topic string) bool { return topics[topic] })
}

func (g *Groups) all() []journey.Group { return g.those(func(string) bool { return true }) }

func (g *Groups) those(reading func(topic string) bool) []journey.Group {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []journey.Group
	for at, group := range g.known {
		if reading(at.topic) {
			one := *group
			one.Ends = slices.Clone(g.ends[at.partition])
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b journey.Group) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return out
}
