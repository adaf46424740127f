package journeytest

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// Made is a journey, and what is true of it.
type Made struct {
	ID      string
	Records []record.Record // as they are read from what was written, by true time
	Ledgers []record.Ledger // one of each instance that numbers its records, later than all of them
	Start   time.Time       // true times of the first record and the last
	End     time.Time

	Hops    int                      // visits of which there are records
	Gaps    map[string][]uint64      // by hop, the numbers of the records that are lost
	Skews   map[string]time.Duration // by instance, how far its clock is ahead
	Causes  map[string]string        // by hop, the one that caused it, where both are known
	Idle    [2]time.Time             // nothing happened between, by true time
	Expects string                   // the station that was to come and has not; empty: none
}

// Evidence is what a horizon at asOf knows: the ledgers that it has passed.
func (m *Made) Evidence(asOf time.Time) journey.Evidence {
	ev := journey.Evidence{AsOf: asOf}
	for _, l := range m.Ledgers {
		if !l.Time.Add(-m.Skews[l.Node]).After(asOf) {
			ev.Ledgers = append(ev.Ledgers, l)
		}
	}
	return ev
}

// Lost is how many records are lost.
func (m *Made) Lost() (n int) {
	for _, numbers := range m.Gaps {
		n += len(numbers)
	}
	return n
}

// Misplaced are the hops whose first record stands before the first one of the hop that caused
// them, in all the journey's records in some order.
func (m *Made) Misplaced(order []*record.Record) (hops []string) {
	first := map[string]int{}
	for i, r := range order {
		if _, met := first[r.Hop()]; !met {
			first[r.Hop()] = i
		}
	}
	for hop, cause := range m.Causes {
		if first[hop] < first[cause] {
			hops = append(hops, hop)
		}
	}
	return hops
}

// WriteNDJSON writes the records as the intake for lines takes them, which takes no ledgers.
func (m *Made) WriteNDJSON(w io.Writer) error {
	for i := range m.Records {
		if _, err := w.Write(append(slices.Clip(m.Records[i].Raw), '\n')); err != nil {
			return fmt.Errorf("write record %d of %d: %w", i+1, len(m.Records), err)
		}
	}
	return nil
}
