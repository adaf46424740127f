package live

import "time"

// partition is how far one partition has been read, and what of it is in memory. The
// follower's lock guards it.
type partition struct {
	floor   int64     // every record from here to next is in memory, or of an ID that is
	next    int64     // the offset to read next
	through time.Time // all that Kafka had by then has been read; zero: not known
	ends    []end     // later ones that next has yet to reach
}

// end is how far a partition reached at a time, as Kafka gave it after that.
type end struct {
	at     time.Time
	offset int64
}

// maxEnds is how many ends wait to be reached; of a partition that is further behind, later ones do.
const maxEnds = 16

func (p *partition) reaches(e end) {
	switch {
	case len(p.ends) == 0 && p.next >= e.offset:
		p.through = e.at
	case len(p.ends) < maxEnds:
		p.ends = append(p.ends, e)
	}
}

func (p *partition) advance(next int64) {
	p.next = next
	for len(p.ends) > 0 && next >= p.ends[0].offset {
		p.through = p.ends[0].at
		p.ends = p.ends[1:]
	}
}
