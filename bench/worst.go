package main

import (
	"runtime"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/journey/journeytest"
)

// judgingWorst measures what a record more takes to build in journeys that have all that makes
// one hard.
func judgingWorst(b *board) error {
	per := func(m *journeytest.Made) func() float64 {
		ev := m.Evidence(parcelStart)
		return func() float64 {
			runtime.GC()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			began := threadCPU()
			journey.Build(m.Records, ev)
			return float64(threadCPU()-began) / float64(len(m.Records)) / 1e3
		}
	}
	got := medians(per(journeytest.Worst(100_000, 1, parcelStart)), per(journeytest.Worst(200_000, 1, parcelStart)))
	b.say("a record of the worst journey takes %.2f us to build", got[0])
	b.atMost("build-worst-linear", "us", got[1], got[0], 1.3)
	return nil
}
