package owner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"golang.org/x/sync/errgroup"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/record"
)

// claim is a partition that this process owns. All but what asks others is one goroutine.
type claim struct {
	m          *Member
	partition  int32
	partitions int32 // of the state's topic
	part       *alerts.Part
	journal    keeping
	client     sarama.Client // of its own: behind another one's fetch, this one's would wait
	sources    []*source
	read       chan got
	asks       *asks

	rules    *alerts.Rules
	version  int64     // of the view, as taken over
	since    time.Time // when it began to lag; zero: it does not
	told     About
	tidied   time.Time   // when silences were last deleted that have long been over
	judged   []time.Time // of the changes that were read since the last step
	refused  int
	commands map[string]bool // by ID, that are obeyed: one may come twice while a partition is taken over
	done     []string        // of them, to be forgotten
}

// keeping is where a claim keeps its alerts; Journal is one.
type keeping interface {
	alerts.Journal
	Broken() error
}

const (
	stepEvery   = 20 * time.Millisecond // what comes meanwhile is kept and told together
	idleEvery   = 250 * time.Millisecond
	stepSize    = 2000 // messages
	calmFor     = 30 * time.Second
	lagging     = 2000 // messages of a source
	takeWithin  = 30 * time.Second
	leaveWithin = 3 * time.Second
	viewWithin  = 10 * time.Second
)

// own takes a partition's state over, and goes on until ctx ends or the state is in doubt.
func (m *Member) own(ctx context.Context, partition int32, commands <-chan *sarama.ConsumerMessage) (err error) {
	c, kept, err := m.take(ctx, partition)
	if err != nil {
		return err
	}
	defer c.close()
	log := m.log.With("partition", partition)
	if m.cfg.Hooks != nil {
		if err := m.cfg.Hooks.Take(partition, c.journal, maps.All(kept)); err != nil {
			return err
		}
		defer func() {
			leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
			defer cancel()
			m.cfg.Hooks.Release(leaving, partition)
		}()
	}
	for key, value := range kept {
		if command, ok := parseCommand(key, value); ok {
			c.obey(ctx, command)
		}
	}
	clear(kept)
	running, cancel := context.WithCancel(ctx)
	var all errgroup.Group
	defer func() {
		cancel()
		err = errors.Join(err, all.Wait())
	}()
	if err := c.open(running, &all, cancel); err != nil {
		return err
	}
	c.asks = newAsks(running, m, partition, c.partitions)
	all.Go(func() error { c.asks.run(); return nil })
	select { // who is silenced must be known before somebody is told
	case <-m.cfg.View.Ready():
	case <-time.After(viewWithin):
		log.Warn("silences are not known yet; alerts are told all the same")
	case <-ctx.Done():
		return nil
	}
	m.owned.Add(1)
	defer m.owned.Add(-1)
	log.Info("alerts are owned", "alerts", c.part.Count(), "absences", c.part.Waiting())
	defer m.meters.alerts.DeleteLabelValues(number(partition))
	defer m.meters.waits.DeleteLabelValues(number(partition))
	return c.run(running, commands)
}

// take becomes the one who writes, and reads what the last one has written.
func (m *Member) take(ctx context.Context, partition int32) (*claim, map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, takeWithin)
	defer cancel()
	journal, err := OpenJournal(ctx, m.writing, m.cfg.Topic, partition)
	if err != nil {
		return nil, nil, err
	}
	client, err := collector.Connect(m.cfg.Brokers, m.cfg.Security)
	if err != nil {
		return nil, nil, err
	}
	kept, err := Load(ctx, client, m.cfg.Topic, partition, journal.Fence())
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	partitions, err := client.Partitions(m.cfg.Topic)
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	rules := m.cfg.Rules.Rules()
	return &claim{
		m: m, client: client, partition: partition, partitions: int32(len(partitions)), journal: journal, rules: rules, read: make(chan got, 256), version: -1, commands: map[string]bool{},
		part: alerts.NewPart(alerts.PartConfig{Number: partition, Rules: rules, URL: m.cfg.URL, Logger: m.log}, maps.All(kept)),
	}, kept, nil
}

// open reads the partitions of the sources that fall to this one.
func (c *claim) open(ctx context.Context, all *errgroup.Group, failed func()) error {
	consumer, err := sarama.NewConsumerFromClient(c.client)
	if err != nil {
		return err
	}
	for _, topic := range []string{c.m.cfg.Records, c.m.cfg.Journeys} {
		numbers, err := c.client.Partitions(topic)
		if err != nil {
			return fmt.Errorf("read %s: %w; has a collector run, which creates it?", topic, err)
		}
		for _, n := range numbers {
			if n%c.partitions != c.partition {
				continue
			}
			s, err := openSource(c.client, consumer, topic, n, c.part)
			if err != nil {
				return err
			}
			c.sources = append(c.sources, s)
			all.Go(func() error {
				err := s.feed(ctx, c.read)
				failed()
				return err
			})
		}
	}
	return nil
}

func (c *claim) close() {
	for _, s := range c.sources {
		_ = s.claim.Close() // errors are those that ended it
	}
	if err := c.client.Close(); err != nil {
		c.m.log.Warn("a connection was not closed in order", "error", err)
	}
}

func (c *claim) run(ctx context.Context, commands <-chan *sarama.ConsumerMessage) error {
	tick := time.NewTicker(stepEvery)
	defer tick.Stop()
	var stepped time.Time
	for {
		idle := true
		select {
		case m := <-c.read:
			c.take(m)
			c.more()
			idle = false
		case answer := <-c.asks.answers:
			answer(c.part)
			idle = false
		case m, ok := <-commands:
			if ok {
				if command, is := parseCommand(string(m.Key), m.Value); is {
					c.obey(ctx, command)
				}
			}
		case <-tick.C:
		case <-ctx.Done():
			return c.leave(ctx)
		}
		now := time.Now()
		if idle && !c.part.Busy() && now.Sub(stepped) < idleEvery || now.Sub(stepped) < stepEvery {
			continue
		}
		stepped = now
		if err := c.step(ctx, now); err != nil {
			if ctx.Err() != nil {
				return c.leave(ctx)
			}
			return err
		}
	}
}

// more takes what has been read meanwhile.
func (c *claim) more() {
	for range stepSize {
		select {
		case m := <-c.read:
			c.take(m)
		default:
			return
		}
	}
}

// take takes in a message. One that cannot be read is none of alerts.
func (c *claim) take(m got) {
	s := m.from
	s.next, s.last = m.Offset+1, m.Timestamp
	taken := &alerts.Taken{Source: s.name(), Offset: m.Offset, Time: m.Timestamp}
	if s.topic == c.m.cfg.Journeys {
		c.m.meters.changes.Inc()
		var news collector.News
		if len(m.Value) == 0 || json.Unmarshal(m.Value, &news) != nil {
			return
		}
		c.judged = append(c.judged, news.At)
		c.part.Change(&alerts.Change{Key: news.Key, Was: news.Was, At: news.At, Summary: news.Summary}, taken)
		return
	}
	c.m.meters.records.Inc()
	r, err := record.View(m.Value)
	if err != nil {
		return
	}
	c.part.Record(&r, taken, time.Now())
}

// step keeps what was taken, and tells what is due.
func (c *claim) step(ctx context.Context, now time.Time) error {
	c.renew(now)
	read, calm := c.through(now)
	c.part.Pass(now, read)
	c.asks.ask(c, now)
	for _, id := range c.done {
		c.journal.Delete(commandKeys + id)
	}
	c.done = nil
	notifier := alerts.Notifier(logged{c.m.log})
	if c.m.cfg.Hooks != nil {
		notifier = c.m.cfg.Hooks
	}
	err := c.part.Step(ctx, now, c.journal, notifier, calm)
	c.measure(now)
	if err != nil {
		c.m.meters.failed.Inc()
	}
	if c.journal.Broken() != nil {
		return err
	}
	if err != nil && ctx.Err() == nil {
		c.m.log.Error("alerts wait", "partition", c.partition, "error", err)
		pause(ctx, 100*time.Millisecond)
	}
	return nil
}

// through is the time through which changes of journeys have been read, and whether so much
// is left to be read that telling waits: what was wrong may be over. Not for ever, though.
func (c *claim) through(now time.Time) (read time.Time, calm bool) {
	read = now
	for _, s := range c.sources {
		if s.topic == c.m.cfg.Journeys {
			if t := s.through(now); t.Before(read) {
				read = t
			}
		}
		calm = calm || s.behind() > lagging || s.behind() > 0 && now.Sub(s.last) > 5*time.Second && !s.last.IsZero()
	}
	if !calm {
		c.since = time.Time{}
		return read, false
	}
	if c.since.IsZero() {
		c.since = now
	}
	return read, now.Sub(c.since) < calmFor
}

// renew takes over rules, silences, and what fires elsewhere.
func (c *claim) renew(now time.Time) {
	if rules := c.m.cfg.Rules.Rules(); rules != c.rules {
		c.rules = rules
		c.part.SetRules(rules, now)
		c.version = -1
	}
	if v := c.m.cfg.View.Version(); v != c.version {
		c.version = v
		c.part.SetSilences(c.m.cfg.View.Silences(now))
		c.part.SetOutside(c.m.cfg.View.outside(c.rules, c.partition))
	}
	if c.partition == 0 && now.Sub(c.tidied) >= time.Hour {
		c.tidied = now
		for _, key := range c.m.cfg.View.stale(now.Add(-24 * time.Hour)) {
			c.journal.Delete(key)
		}
	}
	if about := c.m.cfg.Rules.about(); c.partition == 0 && (about.At != c.told.At || about.Wrong != c.told.Wrong) {
		c.told = about
		if b, err := json.Marshal(about); err == nil {
			c.journal.Put(rulesKey, b)
		}
	}
}

func (c *claim) obey(ctx context.Context, command Command) {
	if c.commands[command.ID] {
		return
	}
	c.commands[command.ID] = true
	c.done = append(c.done, command.ID)
	go c.m.obey(ctx, command)
}

func (c *claim) measure(now time.Time) {
	m := c.m.meters
	m.steps.Inc()
	m.stepping.Observe(time.Since(now).Seconds())
	for _, at := range c.judged {
		m.latency.Observe(time.Since(at).Seconds())
	}
	c.judged = c.judged[:0]
	m.alerts.WithLabelValues(number(c.partition)).Set(float64(c.part.Count()))
	m.waits.WithLabelValues(number(c.partition)).Set(float64(c.part.Waiting()))
	for _, s := range c.sources {
		m.lag.WithLabelValues(s.topic, number(s.partition)).Set(float64(max(0, s.behind())))
	}
	if n := c.part.Refused - c.refused; n > 0 {
		c.refused = c.part.Refused
		m.refused.Add(float64(n))
		c.m.log.Error("there are too many alerts: some are left out, and nobody is told of them", "partition", c.partition, "left_out", n)
	}
}

// leave keeps what was taken, for the next owner.
func (c *claim) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveWithin)
	defer cancel()
	if err := c.part.Step(ctx, time.Now(), c.journal, refusing{}, true); err != nil && !errors.Is(err, errLeaving) {
		return fmt.Errorf("leave partition %d: %w", c.partition, err)
	}
	return nil
}

var errLeaving = errors.New("the partition is given away")

// refusing leaves what is to be told to the next owner.
type refusing struct{}

// Notify implements alerts.Notifier.
func (refusing) Notify(context.Context, alerts.Notification) error { return errLeaving }

// ownerOf is the partition whose owner asks a rule of the store.
func ownerOf(rule string, partitions int32) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(rule))
	return int32(h.Sum32() % uint32(partitions))
}

func number(n int32) string { return strconv.Itoa(int(n)) }
