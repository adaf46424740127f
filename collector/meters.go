package collector

import (
	"github.com/prometheus/client_golang/prometheus"
)

// meters count messages. Where no claim is moving,
//
//	received = indexed + duplicate + dead_lettered + expired + left + in_flight
type meters struct {
	registry *prometheus.Registry

	received, indexed, duplicate, expired, left prometheus.Counter
	deadLettered                                *prometheus.CounterVec
	inFlight                                    prometheus.Gauge
	dropped, retries                            prometheus.Counter
	batch, latency                              prometheus.Histogram
	lost                                        *prometheus.GaugeVec

	journeys   *prometheus.GaugeVec
	summaries  prometheus.Counter
	announced  *prometheus.CounterVec
	announcing prometheus.Histogram
}

func newMeters(owned *owned) *meters {
	m := &meters{registry: prometheus.NewRegistry()}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(0.005, 2, 16)})
		m.registry.MustRegister(h)
		return h
	}
	m.received = counter("waybill_records_received_total", "Messages read from the records topic.")
	m.indexed = counter("waybill_records_indexed_total", "Records stored.")
	m.duplicate = counter("waybill_records_duplicate_total", "Records that were stored before.")
	m.expired = counter("waybill_records_expired_total", "Records older than what the store keeps.")
	m.left = counter("waybill_records_left_total", "Messages read and left to the partition's next owner, who reads them again.")
	m.dropped = counter("waybill_records_dropped_by_kafka_total", "Messages that Kafka dropped before they were read. Each range is a dead letter.")
	m.retries = counter("waybill_store_retries_total", "Times a batch was tried again.")
	m.batch = histogram("waybill_batch_duration_seconds", "How long a batch takes to settle.")
	m.latency = histogram("waybill_end_to_end_latency_seconds", "From the broker's time of a batch's last message until the batch has settled.")
	m.deadLettered = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "waybill_records_dead_lettered_total", Help: "Messages put on the dead-letter topic, by reason."}, []string{"reason"})
	for _, class := range []string{classInvalid, classFuture, classConflict, classRefused} {
		m.deadLettered.WithLabelValues(class)
	}
	m.lost = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "waybill_instance_lost_records", Help: "Records of an instance that Kafka had and the store has not, dead letters included. Instances that lost none are not named."}, []string{"service", "instance"})
	m.journeys = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "waybill_journeys", Help: "Journeys of a partition this collector owns that are in memory, or that wait in the store alone."}, []string{"partition", "kept"})
	m.summaries = counter("waybill_summaries_written_total", "Summaries of journeys written.")
	m.announcing = histogram("waybill_verdict_latency_seconds", "From when a record was folded that changed a verdict until the verdict was announced.")
	m.announced = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "waybill_verdicts_announced_total", Help: "Verdicts put on the topic of journeys."}, []string{"verdict"})
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "waybill_records_in_flight", Help: "Messages read and not settled yet."})
	m.registry.MustRegister(m.deadLettered, m.inFlight, m.lost, m.journeys, m.announced, owned)
	return m
}

var lagDesc = prometheus.NewDesc("waybill_consumer_lag_records", "Messages of a partition this collector owns that are not settled yet.", []string{"topic", "partition"}, nil)

// Describe and Collect implement prometheus.Collector.
func (o *owned) Describe(ch chan<- *prometheus.Desc) { ch <- lagDesc }

func (o *owned) Collect(ch chan<- prometheus.Metric) {
	for _, p := range o.list() {
		ch <- prometheus.MustNewConstMetric(lagDesc, prometheus.GaugeValue, float64(p.lag()), p.claim.Topic(), number(p.claim.Partition()))
	}
}
