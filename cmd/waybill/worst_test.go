package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/journey/journeytest"
)

// A journey that has all that makes one hard is shipped as services would ship it, ledgers too.
func TestUpTellsTheWorstJourney(t *testing.T) {
	p := waybill(t, append([]string{"up"}, loopback(t)...)...)
	broker := p.says(t, `collector is running.* brokers=\[([^\]]+)`)
	server := p.says(t, `query is running.* url=(\S+)`)
	m := journeytest.Worst(2000, 1, time.Now())
	if err := m.Ship([]string{broker}); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, func() string {
		j := ask(t, server, m.ID)
		switch {
		case j == nil:
			return m.ID + " is not there"
		case len(j.Records) != len(m.Records) || len(j.Hops) != m.Hops:
			return fmt.Sprintf("%d records and %d hops, want %d and %d", len(j.Records), len(j.Hops), len(m.Records), m.Hops)
		case j.Verdict != journey.Stalled || len(j.Gaps) != len(m.Gaps):
			return fmt.Sprintf("%s (%s), %d gaps, want %d", j.Verdict, j.Reason, len(j.Gaps), len(m.Gaps))
		}
		return ""
	})
}
