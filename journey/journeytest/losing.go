package journeytest

import "github.com/waybill-log/waybill/record"

// longestLoss is how many log records of a hop are lost one after the other.
const longestLoss = 3

// dropper is the service one instance of which drops records on purpose: nothing else of its is lost.
const dropper = "pricing"

// lose has n records be lost: the start of one hop, and runs of log records in others that have
// ended, so that a later number tells.
func (s *stage) lose(n int) {
	of := map[*visit][]*scan{}
	var some []*visit
	for i := range s.scans {
		c := &s.scans[i]
		if v := c.in; v.ended && v.numbers() && v.service != dropper {
			if len(of[v]) == 0 {
				some = append(some, v)
			}
			of[v] = append(of[v], c)
		}
	}
	s.random.Shuffle(len(some), func(a, b int) { some[a], some[b] = some[b], some[a] })
	headless := false
	for _, v := range some {
		run := 0
		for _, c := range of[v] {
			isLog := c.rec.Kind == ""
			switch {
			case n == 0 || run == longestLoss:
			case !headless && v.kind == "consumer" && c.rec.Kind == record.KindHopStart && c.rec.HopID == "":
				headless = true
				c.lost = true
				run, n = longestLoss, n-1
			case isLog && c.rec.Level != "warn" && len(c.rec.Labels) < manyLabels && len(c.rec.Message) < longest:
				c.lost = true
				run++
				n--
			}
		}
	}
}

// drop has the instance that logs most drop n of its log records, and say so.
func (s *stage) drop(n int) {
	of := map[*instance][]*scan{}
	by := s.instances[dropper][0]
	for i := range s.scans {
		if c := &s.scans[i]; c.in.service == dropper && c.rec.Kind == "" {
			of[c.in.instance] = append(of[c.in.instance], c)
		}
	}
	for _, other := range s.instances[dropper] {
		if len(of[other]) > len(of[by]) {
			by = other
		}
	}
	for _, c := range of[by][:n] {
		c.lost = true
		by.dropped = append(by.dropped, record.Dropped{From: c.rec.Sequence, To: c.rec.Sequence, Reason: "the buffer is full"})
	}
}
