package collector

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler serves /healthz, /readyz and /metrics.
func (c *Collector) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := c.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.registry(), promhttp.HandlerOpts{}))
	return mux
}

func (c *Collector) registry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	for _, m := range []struct {
		name, help string
		value      func() int64
	}{
		{"waybill_records_received_total", "Messages read from the records topic.", c.counts.received.Load},
		{"waybill_records_indexed_total", "Records stored.", c.counts.stored.Load},
		{"waybill_records_duplicate_total", "Records that were stored before.", c.counts.present.Load},
		{"waybill_records_dead_lettered_total", "Messages put on the dead-letter topic.", c.counts.deadLettered.Load},
	} {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: m.name, Help: m.help}, func() float64 { return float64(m.value()) }))
	}
	return reg
}
