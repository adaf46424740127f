// Package journeytest makes journeys that are hard to tell, for tests of whoever reads or
// shows them: the same for the same seed, and with what is true of them.
//
//	worst := journeytest.Worst(100_000, 1, time.Now())
//	journey.Build(worst.Records, worst.Evidence(time.Now())) // stalled and lossy, as worst.Gaps has it
//	err := worst.Ship([]string{"127.0.0.1:7692"})            // to a Waybill that runs
//
// [Worst] has at once all that makes a journey hard. [EqualKeys] are two that a careless
// reader takes for one. Both are a [Made]. From a shell:
//
//	go run ./journey/journeytest/ship --kafka 127.0.0.1:7692 --records 100000 worst
//
// A [stage] is where they are played, in the order of true time: only then do records get
// their numbers, some are lost, and clocks are set wrong. The package never reads a clock, and
// makes nothing that [record.Decode] refuses.
package journeytest
