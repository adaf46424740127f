package journeytest

import (
	"math/rand/v2"
	"time"

	"github.com/waybill-log/waybill/record"
)

// foreign is the service that only speaks OpenTelemetry: it numbers nothing.
const foreign = "erp"

// services are where journeys come, and how many instances each has.
var services = []struct {
	name      string
	instances int
}{
	{"gateway", 3}, {"orders", 4}, {"payment", 2}, {"bank", 3}, {"game", 4}, {"stock", 2}, {"shipping", 2}, {"notify", 2}, {"pricing", 5}, {"fraud", 1}, {"mail", 2}, {foreign, 1},
}

// maxSkew is how far a clock is wrong at most.
const maxSkew = 5 * time.Minute

// instance is one process of a service.
type instance struct {
	service, node, version string
	skew                   time.Duration
	sequence               uint64           // of its last record
	dropped                []record.Dropped // on purpose
}

func (i *instance) numbers() bool { return i.service != foreign }

// newInstances starts all services. One clock in four is wrong by up to maxSkew, one by all
// of it in each direction; the others by milliseconds.
func newInstances(random *rand.Rand) map[string][]*instance {
	out := map[string][]*instance{}
	for _, s := range services {
		for n := range s.instances {
			i := &instance{service: s.name, node: s.name[:2] + digits(random, 18), version: "2.4." + string(rune('0'+n%2))}
			i.skew = time.Duration(random.Int64N(int64(20*time.Millisecond))) - 10*time.Millisecond
			if random.IntN(4) == 0 {
				i.skew = time.Duration(random.Int64N(int64(2*maxSkew))) - maxSkew
			}
			out[s.name] = append(out[s.name], i)
		}
	}
	out["gateway"][0].skew, out["bank"][0].skew, out["game"][0].skew = 0, maxSkew, -maxSkew
	return out
}

// digits are n hexadecimal ones, not all of them zero.
func digits(random *rand.Rand, n int) string {
	const hex = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = hex[random.IntN(len(hex))]
	}
	b[n-1] = hex[1+random.IntN(len(hex)-1)]
	return string(b)
}

// ledger is the instance's word at a true time that Kafka has all it has written.
func (i *instance) ledger(at time.Time) record.Ledger {
	return record.Ledger{
		Time: at.Add(i.skew), Service: i.service, Node: i.node, Last: i.sequence, Unsettled: i.sequence + 1, Dropped: i.dropped,
	}
}
