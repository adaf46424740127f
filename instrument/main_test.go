package instrument_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain finds goroutines that outlive the tests. Those of an instrument that
// was shut down while Kafka was away end when sarama gives up its last dial.
//
// Instruments see no stderr, where they would write what tests let them refuse.
func TestMain(m *testing.M) {
	if order := os.Getenv(childEnv); order != "" {
		beChild(order)
	}
	stderr := os.Stderr
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	os.Stderr = null
	code := m.Run()
	ignored := []goleak.Option{
		// sarama's metrics: one ticker a process, never stopped.
		goleak.IgnoreTopFunction("github.com/rcrowley/go-metrics.(*meterArbiter).tick"),
		// sarama's circuit breaker sleeps 10 s after an outage, whoever closes it.
		goleak.IgnoreAnyFunction("github.com/eapache/go-resiliency/breaker.(*Breaker).timer"),
	}
	var leak error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if leak = goleak.Find(ignored...); leak == nil {
			break
		}
	}
	if code == 0 && leak != nil {
		fmt.Fprintln(stderr, leak)
		code = 1
	}
	os.Exit(code)
}
