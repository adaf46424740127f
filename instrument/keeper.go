package instrument

import (
	"os"
	"time"
)

const (
	spareSegments = 4  // kept ready, so that a log call never waits for one
	keptSegments  = 16 // ready ones beyond these are given back
	minSegments   = 8  // least bound of a buffer
)

// keep has segments ready before they are needed, gives back what is no longer
// needed, and syncs files that hold waiting records once a second. It ends with
// the shipper.
func (s *shipper) keep(ended <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.spare:
			s.stock()
		case <-tick.C:
			s.sync()
			s.giveBack()
			s.stock()
		case <-ended:
			return
		}
	}
}

// stock makes segments until enough are ready.
func (s *shipper) stock() {
	for s.wanted() {
		seg := s.make()
		s.mu.Lock()
		if seg == nil {
			s.buffer.made--
			s.mu.Unlock()
			return
		}
		s.buffer.free = append(s.buffer.free, seg)
		s.mu.Unlock()
	}
}

// wanted reserves a place for a segment where one is wanted.
func (s *shipper) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.buffer.free) >= spareSegments || s.buffer.made >= s.buffer.limit {
		return false
	}
	s.buffer.made++
	return true
}

// make makes a segment: a file where there is a data folder with room, nil where
// it has none. Log calls then use memory, and Health says so.
func (s *shipper) make() *segment {
	if s.spool == nil {
		return &segment{data: emptySegment()}
	}
	seg, err := s.spool.segment()
	s.mu.Lock()
	s.spool.err, s.spool.home = err, s.spool.dir
	if s.account.page == nil && s.spool.page != nil {
		s.account.keep(s.spool.page)
	}
	s.mu.Unlock()
	return seg
}

// sync writes to disk what has waited for Kafka. A killed process loses nothing
// without it; a machine that loses power loses a second.
func (s *shipper) sync() {
	if s.spool == nil {
		return
	}
	type job struct {
		seg      *segment
		file     *os.File
		end, use int
	}
	var jobs []job
	s.mu.Lock()
	for _, ss := range s.buffer.lanes {
		for _, seg := range ss {
			if seg.file != nil && seg.unsettled > 0 && seg.synced != seg.end {
				jobs = append(jobs, job{seg, seg.file, seg.end, seg.use})
			}
		}
	}
	s.mu.Unlock()
	for _, j := range jobs {
		err := j.file.Sync() // only keep closes files
		s.mu.Lock()
		if err != nil {
			s.spool.err = err
		} else if j.seg.use == j.use {
			j.seg.synced = j.end
		}
		s.mu.Unlock()
	}
}

// giveBack removes ready segments beyond those kept.
func (s *shipper) giveBack() {
	s.mu.Lock()
	n := max(0, len(s.buffer.free)-keptSegments)
	surplus := append([]*segment(nil), s.buffer.free[:n]...)
	s.buffer.free = append(s.buffer.free[:0], s.buffer.free[n:]...)
	s.buffer.made -= n
	s.mu.Unlock()
	for _, seg := range surplus {
		if seg.file != nil {
			s.spool.remove(seg)
		}
	}
}
