package owner

import "github.com/prometheus/client_golang/prometheus"

// meters count what owners do.
type meters struct {
	changes, records, steps, asked, doubts, refused, failed prometheus.Counter
	alerts, waits, lag                                      *prometheus.GaugeVec
	latency, stepping                                       prometheus.Histogram
	all                                                     []prometheus.Collector
}

func newMeters() *meters {
	m := &meters{}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		m.all = append(m.all, c)
		return c
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		m.all = append(m.all, g)
		return g
	}
	histogram := func(name, help string) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(0.001, 2, 16)})
		m.all = append(m.all, h)
		return h
	}
	m.changes = counter("waybill_alerts_changes_total", "Changes of verdicts read.")
	m.records = counter("waybill_alerts_records_total", "Records read.")
	m.steps = counter("waybill_alerts_steps_total", "Steps: what was read is kept, and what is due is told.")
	m.asked = counter("waybill_alerts_asked_total", "Times a rule was asked of the store.")
	m.doubts = counter("waybill_alerts_absences_judged_total", "Absences that were due, and held against the journey's records.")
	m.refused = counter("waybill_alerts_refused_total", "Alerts that were one too many and that nobody is told of.")
	m.failed = counter("waybill_alerts_failures_total", "Times the store, the journal or a hook could not be asked.")
	m.alerts = gauge("waybill_alerts", "Alerts of a partition this process owns.", "partition")
	m.waits = gauge("waybill_alerts_absences", "Absences of a partition this process owns that may come to be.", "partition")
	m.lag = gauge("waybill_alerts_lag_messages", "Messages of a source that are not read yet.", "topic", "partition")
	m.latency = histogram("waybill_alerts_latency_seconds", "From when a verdict was judged until what follows was handed on.")
	m.stepping = histogram("waybill_alerts_step_seconds", "How long a step takes.")
	return m
}

// Describe implements prometheus.Collector.
func (m *meters) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.all {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *meters) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.all {
		c.Collect(ch)
	}
}
