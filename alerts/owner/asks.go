package owner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// asks is what has to be asked of others for a claim, beside its loop: rules that are asked
// from time to time, and the journeys of absences that are due.
type asks struct {
	ctx        context.Context
	m          *Member
	partition  int32
	partitions int32
	answers    chan func(*alerts.Part)
	work       chan func()
	asking     map[string]bool      // rules; of the claim's goroutine
	again      map[string]time.Time // rules that could not be asked, until when they rest
	doubts     int
	reviews    int
	losing     sync.Mutex
	lost       losses
}

const (
	workers    = 8
	maxDoubts  = 256 // absences that are judged at once
	maxReviews = 4   // journeys that are reviewed at once: nobody waits for that
	maxRecords = 20_000
	maxReview  = 2000 // records of a journey that is reviewed
	caughtUp   = 10 * time.Second
	askBudget  = 10 * time.Second
	maxMissed  = 100 // times of one rule that are made up for after a lag
	maxLossy   = 1000
)

func newAsks(ctx context.Context, m *Member, partition, partitions int32) *asks {
	return &asks{
		ctx: ctx, m: m, partition: partition, partitions: partitions, answers: make(chan func(*alerts.Part)), work: make(chan func(), maxDoubts+maxReviews+100),
		asking: map[string]bool{}, again: map[string]time.Time{}, lost: losses{},
	}
}

// run works until ctx ends.
func (a *asks) run() {
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				select {
				case work := <-a.work:
					work()
				case <-a.ctx.Done():
					return
				}
			}
		})
	}
	all.Wait()
}

func (a *asks) answer(with func(*alerts.Part)) {
	select {
	case a.answers <- with:
	case <-a.ctx.Done():
	}
}

// begin has something done; false: too much is under way.
func (a *asks) begin(work func()) bool {
	select {
	case a.work <- work:
		return true
	default:
		return false
	}
}

// ask begins what is due.
func (a *asks) ask(c *claim, now time.Time) {
	asOf, err := a.m.cfg.Evidence.AsOf()
	if err != nil {
		asOf = time.Time{}
	}
	shown := asOf // through when the store shows what was shipped
	if !asOf.IsZero() {
		shown = asOf.Add(-a.m.cfg.Store.Lag())
	}
	a.askRules(c, now, asOf, shown)
	a.askDoubts(c, now, shown)
	if now.Sub(asOf) < caughtUp { // before, the store has better things to do
		a.askReviews(c, now)
	}
}

func (a *asks) askRules(c *claim, now, asOf, shown time.Time) {
	for _, r := range c.rules.Rules {
		if !r.Scheduled() || a.asking[r.Name] || ownerOf(r.Name, a.partitions) != a.partition || now.Before(a.again[r.Name]) {
			continue
		}
		at, due := dueAt(r, c.part.Asked(r), now, shown)
		if !due {
			continue
		}
		a.asking[r.Name] = a.begin(func() {
			ctx, cancel := context.WithTimeout(a.ctx, askBudget+time.Second)
			defer cancel()
			samples, err := a.sample(ctx, r, at, asOf)
			a.answer(func(p *alerts.Part) {
				delete(a.asking, r.Name)
				if err == nil {
					p.Sampled(r, at, samples)
					return
				}
				a.again[r.Name] = time.Now().Add(5 * time.Second)
				a.m.meters.failed.Inc()
				a.m.log.Warn("a rule cannot be asked, and is asked again", "rule", r.Name, "error", err)
			})
		})
		if !a.asking[r.Name] {
			delete(a.asking, r.Name)
		}
		a.m.meters.asked.Inc()
	}
}

// dueAt is the next time that a rule is to be asked about. Those on records are asked about times
// through which the store has everything, each in turn, so that lag changes nothing.
func dueAt(r *alerts.Rule, last, now, shown time.Time) (at time.Time, due bool) {
	until := now
	if r.Kind == alerts.OnThreshold {
		until = shown
	}
	latest := until.Truncate(r.Every)
	if until.IsZero() || !latest.After(last) {
		return at, false
	}
	if last.IsZero() || r.Kind != alerts.OnThreshold {
		return latest, true
	}
	at = last.Truncate(r.Every).Add(r.Every)
	if first := latest.Add(-maxMissed * r.Every); at.Before(first) {
		at = first
	}
	return at, true
}

func (a *asks) askDoubts(c *claim, now, shown time.Time) {
	for _, s := range c.sources {
		if s.topic != a.m.cfg.Records {
			continue
		}
		if !c.part.CaughtUp(s.name(), s.next) {
			return
		}
		if t := s.through(now); t.Before(shown) {
			shown = t
		}
	}
	for _, d := range c.part.Doubts(shown, maxDoubts-a.doubts) {
		a.doubts++
		a.m.meters.doubts.Inc()
		if !a.begin(func() { a.judge(d) }) {
			a.doubts--
			c.part.Again(d)
		}
	}
}

// judge reads the journey of an absence.
func (a *asks) judge(d alerts.Doubt) {
	ctx, cancel := context.WithTimeout(a.ctx, askBudget)
	defer cancel()
	records, _, err := recordsOf(ctx, a.m.cfg.Store, d.Key, maxRecords)
	if err != nil {
		a.m.meters.failed.Inc()
		a.m.log.Warn("an absence cannot be judged, and is judged again", "error", err)
		pause(a.ctx, time.Second)
	}
	a.answer(func(p *alerts.Part) {
		a.doubts--
		if err != nil {
			p.Again(d)
			return
		}
		p.Settle(d, records, time.Now())
	})
}

// askReviews has journeys reviewed whose change became known late, once the store shows what it was judged by.
func (a *asks) askReviews(c *claim, now time.Time) {
	rules := c.rules
	for _, r := range c.part.Reviews(now.Add(-a.m.cfg.Store.Lag()), maxReviews-a.reviews) {
		a.reviews++
		if !a.begin(func() { a.review(rules, r) }) {
			a.reviews--
			c.part.Postpone(r)
		}
	}
}

// review reads a journey, and says which alerts it would have had. One that is very long has none.
func (a *asks) review(rules *alerts.Rules, r alerts.Review) {
	ctx, cancel := context.WithTimeout(a.ctx, askBudget)
	defer cancel()
	var had []alerts.State
	records, whole, err := recordsOf(ctx, a.m.cfg.Store, r.Key, maxReview)
	if err == nil && whole {
		had, err = alerts.Had(ctx, rules, a.m.cfg.Routes, records, r.Until)
	}
	if err != nil {
		a.m.meters.failed.Inc()
		a.m.log.Warn("a journey cannot be reviewed, and is reviewed again", "error", err)
		pause(a.ctx, time.Second)
	}
	a.answer(func(p *alerts.Part) {
		a.reviews--
		if err != nil {
			p.Postpone(r)
			return
		}
		p.Reviewed(r, had)
	})
}

func recordsOf(ctx context.Context, s store.Reader, key string, most int) (out []record.Record, whole bool, err error) {
	entries, more, err := s.ByKey(ctx, key, most)
	if err != nil {
		return nil, false, err
	}
	for _, e := range entries {
		if r, err := record.Decode(e.Raw); err == nil { // what a store took, Decode takes
			out = append(out, r)
		}
	}
	return out, !more, nil
}

// sample asks a rule.
func (a *asks) sample(ctx context.Context, r *alerts.Rule, at, asOf time.Time) ([]alerts.Sample, error) {
	switch r.Kind {
	case alerts.OnThreshold:
		return Count(ctx, a.m.cfg.Store, r, at)
	case alerts.OnLoss:
		return a.loss(ctx, asOf)
	case alerts.OnDeadLetters:
		n, err := a.deadLetters(at.Add(-r.Window))
		return []alerts.Sample{{Value: n}}, err
	case alerts.OnLag:
		behind := at.Sub(asOf)
		if asOf.IsZero() {
			behind = at.Sub(a.m.begun)
		}
		return []alerts.Sample{{Value: int64(behind.Seconds())}}, nil
	case alerts.OnStore:
		ctx, cancel := context.WithTimeout(ctx, askBudget)
		defer cancel()
		if err := a.m.cfg.Store.Ready(ctx); err != nil {
			return []alerts.Sample{{Value: 1}}, nil
		}
		return nil, nil
	}
	return nil, fmt.Errorf("rules on %s are not asked", r.Kind)
}

// Count asks a threshold about the window before a time.
func Count(ctx context.Context, s store.Searcher, r *alerts.Rule, at time.Time) ([]alerts.Sample, error) {
	q := store.Query{Filter: r.Query(), From: at.Add(-r.Window), Until: at, Budget: askBudget}
	if r.GroupBy != "" {
		found, err := s.Facets(ctx, q, r.GroupBy, maxLossy)
		if err != nil {
			return nil, err
		}
		var out []alerts.Sample
		for _, f := range found.Values {
			out = append(out, alerts.Sample{Labels: map[string]string{r.GroupBy: f.Value}, Value: f.Count})
		}
		return out, nil
	}
	counted, err := s.Histogram(ctx, q, r.Window.Truncate(time.Millisecond))
	if err != nil {
		return nil, err
	}
	if counted.Partial && r.Below != nil {
		return nil, errors.New("there was not enough time to count everything; ask for less")
	}
	n := int64(0)
	for _, b := range counted.Buckets {
		n += b.Count
	}
	return []alerts.Sample{{Value: n}}, nil
}

// losses are what instances have lost, as far as they were asked.
type losses map[string]lossOf

type lossOf struct {
	through uint64
	lost    int64
}

func (a *asks) loss(ctx context.Context, asOf time.Time) (out []alerts.Sample, err error) {
	if asOf.IsZero() {
		return nil, errors.New("how far records are stored is not known")
	}
	a.losing.Lock() // there may be several such rules
	defer a.losing.Unlock()
	known := losses{}
	for _, l := range a.m.cfg.Evidence.Ledgers() {
		was, there := a.lost[l.Node]
		if !there || was.through != l.Unsettled || was.lost > 0 { // a loss can heal: a dead letter is replayed
			n, certain, err := evidence.Lost(ctx, a.m.cfg.Store, l, asOf)
			if err != nil {
				return nil, err
			}
			if certain {
				was = lossOf{l.Unsettled, n}
			}
		}
		known[l.Node] = was
		if was.lost > 0 && len(out) < maxLossy {
			out = append(out, alerts.Sample{Labels: map[string]string{"service": l.Service, "instance": l.Node}, Value: was.lost})
		}
	}
	a.lost = known
	return out, nil
}

// deadLetters counts those since a time.
func (a *asks) deadLetters(since time.Time) (n int64, err error) {
	partitions, err := a.m.writing.Partitions(record.TopicDeadLetters)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return 0, nil // no collector has run yet
	}
	if err != nil {
		return 0, err
	}
	for _, p := range partitions {
		end, err := a.m.writing.GetOffset(record.TopicDeadLetters, p, sarama.OffsetNewest)
		if err != nil {
			return 0, err
		}
		first, err := a.m.writing.GetOffset(record.TopicDeadLetters, p, since.UnixMilli())
		if err != nil && !errors.Is(err, sarama.ErrOffsetOutOfRange) {
			return 0, err
		}
		if err == nil && first >= 0 {
			n += end - first
		}
	}
	return n, nil
}
