package collector

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Handler serves /healthz, /readyz (?verbose for JSON) and /metrics.
func (c *Collector) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", c.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.meters.registry, promhttp.HandlerOpts{}))
	return mux
}

// Gatherer gives what /metrics shows.
func (c *Collector) Gatherer() prometheus.Gatherer { return c.meters.registry }

// readiness is the answer to /readyz?verbose.
type readiness struct {
	Ready      bool             `json:"ready"`
	Kafka      string           `json:"kafka"`
	Store      string           `json:"store"`
	Waiting    string           `json:"waiting,omitempty"` // why records wait
	Partitions []partitionState `json:"partitions"`
}

type partitionState struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Next      int64  `json:"next"` // first offset that is not settled
	Lag       int64  `json:"lag"`
}

func (c *Collector) readyz(w http.ResponseWriter, r *http.Request) {
	if !r.URL.Query().Has("verbose") {
		if err := c.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok\n"))
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	state := readiness{Ready: true, Kafka: "ok", Store: "ok", Partitions: []partitionState{}}
	if err := c.Ready(); err != nil {
		state.Ready, state.Waiting = false, err.Error()
	}
	if err := c.client.RefreshMetadata(c.cfg.Topic); err != nil { // RefreshController would close connections in use
		state.Ready, state.Kafka = false, err.Error()
	}
	if s, ok := c.cfg.Store.(interface{ Ready(context.Context) error }); ok {
		if err := s.Ready(ctx); err != nil {
			state.Ready, state.Store = false, err.Error()
		}
	}
	for _, p := range c.owned.list() {
		state.Partitions = append(state.Partitions, partitionState{p.claim.Topic(), p.claim.Partition(), p.next.Load(), p.lag()})
	}
	w.Header().Set("Content-Type", "application/json")
	if !state.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(state)
}
