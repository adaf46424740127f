package journeytest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

// stage is where a journey is played. Visits that overlap are told one after the other, and
// [stage.finish] puts all in the order of true time.
type stage struct {
	random    *rand.Rand
	id        string
	instances map[string][]*instance
	scans     []scan
	visits    []*visit
	owner     map[string]*visit // of each span
	offsets   map[place]int64
	promised  int // records that must still be written to end what has begun
	limit     int // nothing begins that goes beyond so many records
}

// scan is a record in the making.
type scan struct {
	at   time.Time // true
	in   *visit
	rec  record.Record
	lost bool
}

// visit is a hop in the making.
type visit struct {
	*instance
	arrival
	span  string
	now   time.Time // when its last record was written
	ended bool
	sends uint64
	last  uint64 // hop.sequence of its last record
}

// arrival is what makes a hop begin.
type arrival struct {
	at        time.Time
	to        string // service
	name      string
	kind      string
	parent    string // span
	trace     string
	http      record.HTTP
	messaging record.Messaging
	links     []record.Link
	saga      record.Saga
}

type place struct {
	topic     string
	partition int32
}

// newStage begins at a moment that finish moves.
func newStage(id string, seed uint64) *stage {
	random := rand.New(rand.NewPCG(seed, uint64(len(id))))
	return &stage{random: random, id: id, instances: newInstances(random), owner: map[string]*visit{}, offsets: map[place]int64{}}
}

var curtain = time.Unix(0, 0).UTC()

func (s *stage) span() string  { return digits(s.random, 16) }
func (s *stage) trace() string { return digits(s.random, 32) }

// room reports whether so many records more can be written, with all that was promised.
func (s *stage) room(n int) bool { return len(s.scans)+s.promised+n <= s.limit }

// a is a random duration, seldom much longer than usual.
func (s *stage) a(usual time.Duration) time.Duration {
	return time.Microsecond + time.Duration(s.random.ExpFloat64()*float64(usual))
}

func pick[T any](s *stage, of []T) T { return of[s.random.IntN(len(of))] }

// open begins a hop.
func (s *stage) open(a arrival) *visit {
	v := &visit{instance: pick(s, s.instances[a.to]), arrival: a, span: s.span(), now: a.at}
	s.visits = append(s.visits, v)
	s.owner[v.span] = v
	s.writeAt(v, a.at, record.Record{Kind: record.KindHopStart, Level: "debug", Message: a.name, HTTP: a.http, Links: a.links})
	s.promised++
	return v
}

// close ends a hop.
func (s *stage) close(v *visit, r record.Record) time.Time {
	s.promised--
	v.now = v.now.Add(s.a(200 * time.Microsecond))
	r.Kind, r.Duration, r.Links = record.KindHopEnd, v.now.Sub(v.at), v.links
	if r.Level == "" {
		r.Level, r.Message = "info", v.name
	}
	if r.Outcome == "" {
		r.Outcome = record.Success
	}
	r.HTTP.Method, r.HTTP.Route, r.HTTP.Path = v.http.Method, v.http.Route, v.http.Path
	s.writeAt(v, v.now, r)
	v.ended = true
	return v.now
}

// write adds a record to a hop, a moment after its last one.
func (s *stage) write(v *visit, r record.Record) {
	v.now = v.now.Add(s.a(400 * time.Microsecond))
	s.writeAt(v, v.now, r)
}

// writeAt adds a record of the hop's own span, or of a span inside it that r names.
func (s *stage) writeAt(v *visit, at time.Time, r record.Record) {
	if v.now.Before(at) {
		v.now = at
	}
	if r.SpanID == "" {
		r.SpanID, r.ParentID = v.span, v.parent
		if r.Kind == record.KindHopStart || r.Kind == record.KindHopEnd {
			r.SpanName, r.SpanKind, r.Messaging = v.name, v.kind, v.messaging
		}
	} else {
		r.HopID = v.span
	}
	r.Service, r.ServiceVer, r.Environment, r.Node = v.service, v.version, "production", v.node
	r.CorrelationID, r.TraceID = s.id, v.trace
	if r.Saga == (record.Saga{}) {
		r.Saga = v.saga
	}
	s.scans = append(s.scans, scan{at: at, in: v, rec: r})
}

// finish numbers the records, loses some of them, sets the clocks wrong, and has the last one
// be written at end.
func (s *stage) finish(end time.Time, lose func(*stage)) *Made {
	slices.SortStableFunc(s.scans, func(a, b scan) int { return a.at.Compare(b.at) })
	for i := range s.scans {
		c := &s.scans[i]
		if !c.in.numbers() {
			c.rec.ID, c.rec.HopID = fmt.Sprintf("%s-%d", c.in.span, i), ""
			continue
		}
		c.in.sequence++
		c.in.last++
		c.rec.Sequence, c.rec.HopSequence = c.in.sequence, c.in.last
	}
	lose(s)
	m := &Made{ID: s.id, Gaps: map[string][]uint64{}, Skews: map[string]time.Duration{}, Causes: map[string]string{}}
	by := end.Sub(s.scans[len(s.scans)-1].at)
	m.Start, m.End = s.scans[0].at.Add(by), end
	seen := map[*visit]bool{}
	for i := range s.scans {
		c := &s.scans[i]
		if c.lost {
			if !c.dropped() {
				m.Gaps[c.in.span] = append(m.Gaps[c.in.span], c.rec.HopSequence)
			}
			continue
		}
		if c.rec.Kind == record.KindHopEnd && c.rec.HopID == "" && c.in.numbers() {
			c.rec.HopRecords, c.rec.HopSends = c.in.last, c.in.sends
		}
		seen[c.in] = true
		c.rec.Time = c.at.Add(by + c.in.skew)
		m.add(&c.rec)
	}
	m.Hops = len(seen)
	for v := range seen {
		if cause := s.owner[v.parent]; cause != nil {
			m.Causes[v.span] = cause.span
		}
	}
	for _, service := range services {
		for _, i := range s.instances[service.name] {
			m.Skews[i.node] = i.skew
			if i.sequence > 0 {
				m.Ledgers = append(m.Ledgers, i.ledger(end.Add(5*time.Second)))
			}
		}
	}
	return m
}

// dropped reports whether the record's instance has said that it dropped it.
func (c *scan) dropped() bool {
	return slices.ContainsFunc(c.in.dropped, func(d record.Dropped) bool { return d.From <= c.rec.Sequence && c.rec.Sequence <= d.To })
}

// add writes a record and reads it again.
func (m *Made) add(r *record.Record) {
	read, err := record.Decode(record.Append(nil, r))
	if err != nil {
		panic(fmt.Sprintf("journeytest has made a record that is none: %v", err))
	}
	m.Records = append(m.Records, read)
}
