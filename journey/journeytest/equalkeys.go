package journeytest

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// EqualKeys are two journeys of a few records that share a correlation key and differ in the
// case of their IDs only: whoever asks by a third spelling is to be asked which.
func EqualKeys(seed uint64, now time.Time) [2]*Made {
	number := rand.New(rand.NewPCG(seed, 2)).IntN(1_000_000)
	var out [2]*Made
	for i, name := range []string{"Order-AB-%06d", "order-ab-%06d"} {
		p := &play{stage: newStage(fmt.Sprintf(name, number), seed+uint64(i))}
		p.limit = 40
		p.at(curtain, func(v *visit) {
			for p.room(leastCall + 2) {
				p.goOn(v, 0)
			}
		})
		p.deliver(time.Time{})
		out[i] = p.finish(now.UTC().Add(-told), func(*stage) {})
	}
	return out
}
