package hook

import (
	"github.com/prometheus/client_golang/prometheus"
)

// meters count deliveries. Where no lane is moving,
//
//	queued = delivered + failed + fallback + gathered + waiting
type meters struct {
	m *Manager

	queued, gathered   *prometheus.CounterVec // by receiver
	deliveries, tries  *prometheus.CounterVec // by receiver and outcome
	latency, durations *prometheus.HistogramVec
	unkept             prometheus.Counter
}

func newMeters(m *Manager) *meters {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(0.005, 2, 16)}, []string{"receiver"})
	}
	return &meters{
		m:          m,
		queued:     counter("waybill_alert_notifications_queued_total", "Notifications queued or taken over, by receiver; a gathered one, and one for a fallback, count too.", "receiver"),
		gathered:   counter("waybill_alert_notifications_gathered_total", "Notifications gathered into others, since they were more than the receiver's ceiling.", "receiver"),
		deliveries: counter("waybill_alert_deliveries_total", "Deliveries that ended: delivered, failed, or failed and handed to the fallback.", "receiver", "outcome"),
		tries:      counter("waybill_alert_attempts_total", "Attempts made, by receiver and outcome.", "receiver", "outcome"),
		latency:    histogram("waybill_alert_delivery_seconds", "From when a notification was queued until its receiver took it."),
		durations:  histogram("waybill_alert_attempt_seconds", "How long an attempt takes."),
		unkept:     prometheus.NewCounter(prometheus.CounterOpts{Name: "waybill_alert_journal_errors_total", Help: "Times the journal did not keep what became of a notification."}),
	}
}

func (s *meters) all() []prometheus.Collector {
	return []prometheus.Collector{s.queued, s.gathered, s.deliveries, s.tries, s.latency, s.durations, s.unkept}
}

var waitingDesc = prometheus.NewDesc("waybill_alert_notifications_waiting", "Notifications that wait, by receiver.", []string{"receiver"}, nil)

// Describe and Collect implement prometheus.Collector.
func (s *meters) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range s.all() {
		c.Describe(ch)
	}
	ch <- waitingDesc
}

func (s *meters) Collect(ch chan<- prometheus.Metric) {
	for _, c := range s.all() {
		c.Collect(ch)
	}
	waiting := map[string]int{}
	for name := range *s.m.receivers.Load() {
		waiting[name] = 0
	}
	for _, b := range s.m.owned() {
		b.mu.Lock()
		for name, l := range b.lanes {
			waiting[name] += len(l.waiting)
		}
		b.mu.Unlock()
	}
	for name, n := range waiting {
		ch <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(n), name)
	}
}

func (s *meters) attempted(receiver string, a *answer) {
	s.tries.WithLabelValues(receiver, string(a.outcome())).Inc()
	s.durations.WithLabelValues(receiver).Observe(a.took.Seconds())
}

func (s *meters) ended(d *Delivery) {
	outcome := string(d.Outcome)
	if d.Fallback != "" {
		outcome = "fallback"
	}
	s.deliveries.WithLabelValues(d.Receiver, outcome).Inc()
	if d.Outcome == Delivered {
		s.latency.WithLabelValues(d.Receiver).Observe(d.Ended.Sub(d.Queued).Seconds())
	}
}
