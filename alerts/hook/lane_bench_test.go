package hook

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

// From Notify to the receiver, at 2,000 a second over twelve partitions, with a journal that
// takes 2 ms to flush and a webhook that is signed.
func BenchmarkNotifyToWebhook(b *testing.B) {
	var mu sync.Mutex
	var took []time.Duration
	sent := map[string]time.Time{}
	done := make(chan struct{})
	s := http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(sent[r.Header.Get("webhook-id")]))
		if len(took) == b.N {
			close(done)
		}
	})}
	ln := listen(b)
	go func() { _ = s.Serve(ln) }()
	defer s.Close()
	const partitions = 12
	r := webhookTo("http://" + ln.Addr().String())
	r.Webhook.SecretFiles = []string{file(b, oldSecret)}
	r.Ceiling = Ceiling{PerMinute: 600_000, Burst: 10_000}
	m, err := New(Config{Receivers: []Receiver{r}, Place: func(n alerts.Notification) int32 { return int32(hashOf(n.ID)[0]) % partitions }})
	if err != nil {
		b.Fatal(err)
	}
	defer closeNow(m)
	for p := range int32(partitions) {
		j := newMemory()
		j.latency = 2 * time.Millisecond
		if err := m.Take(p, j, j.all()); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	start := time.Now()
	var wg sync.WaitGroup
	for i := range b.N {
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / 2000)))
		wg.Go(func() {
			n := note("ops", fmt.Sprint("g-", i))
			mu.Lock()
			sent[n.ID] = time.Now()
			mu.Unlock()
			if err := m.Notify(b.Context(), n); err != nil {
				b.Error(err)
			}
		})
	}
	wg.Wait()
	<-done
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
