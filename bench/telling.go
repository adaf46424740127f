package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/alerts/hook"
	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// told receives webhooks and checks that they are signed.
type told struct {
	key      []byte
	mu       sync.Mutex
	at       map[string]time.Time // status and correlation ID
	requests int
	wrong    error
}

// ServeHTTP implements http.Handler.
func (t *told) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var p hook.Payload
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "."))
	mac.Write(body)
	if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		err = errors.Join(err, errors.New("a webhook is not signed as it should be"))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wrong = errors.Join(t.wrong, err)
	t.requests++
	for _, a := range p.Data.Alerts {
		if what := a.Status + " " + a.CorrelationID; t.at[what].IsZero() {
			t.at[what] = now
		}
	}
}

// until waits until the receiver was told of all.
func (t *told) until(all map[string]time.Time, within time.Duration) error {
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		left := 0
		t.mu.Lock()
		for what := range all {
			if t.at[what].IsZero() {
				left++
			}
		}
		err := t.wrong
		t.mu.Unlock()
		if err == nil && left > 0 && time.Now().After(end) {
			err = fmt.Errorf("the receiver was not told of %d of %d", left, len(all))
		}
		if err != nil || left == 0 {
			return err
		}
	}
}

// took is how long it was until the receiver was told, in order.
func (t *told) took(all map[string]time.Time) (out []time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for what, at := range all {
		out = append(out, t.at[what].Sub(at))
	}
	slices.Sort(out)
	return out
}

// telling measures from when a change is given to Kafka until its webhook is at the receiver.
//
//	verdicts, records ─► broker ◄─► alerter ─► receiver
//	                          ◄─► another one, which takes over
func telling(b *board, dir string) (err error) {
	to := &told{key: []byte("a key that is long enough to sign"), at: map[string]time.Time{}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: to}
	go server.Serve(ln)
	defer server.Close()
	secret, rules := filepath.Join(dir, "secret"), filepath.Join(dir, "alerts.yaml")
	if err := os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString(to.key)), 0o600); err != nil {
		return err
	}
	text := fmt.Sprintf(`receivers:
  - name: ops
    webhook: {url: "http://%s/", secret_files: [%q]}
    allow_private: true
    ceiling: {per_minute: 600000, burst: 10000}
route: {receiver: ops, group_by: [correlation_id], group_interval: 100ms}
`, ln.Addr(), secret)
	if err := os.WriteFile(rules, []byte(alertRules(false, text)+absenceRule), 0o600); err != nil {
		return err
	}
	kafka, err := startServers("kafka")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.stop()) }()
	client, err := collector.Connect([]string{kafka.brokers}, instrument.Security{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := collector.EnsureTopics(client, collector.DefaultPartitions); err != nil {
		return err
	}
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		return err
	}
	owner, err := startAlerter(kafka.brokers, rules)
	if err != nil {
		return err
	}
	v := &verdicts{producer: producer}
	if v.read, err = through(client, record.TopicJourneys); err != nil {
		return err
	}
	err = owner.until(func(a alerter) bool { return a.Owned == collector.DefaultPartitions })
	if err == nil {
		err = errors.Join(hooked(b, v, to, owner, "hook-p99", 5), hooked(b, v, to, owner, "hook-p99-every-change", 25))
	}
	if err := errors.Join(err, owner.stop()); err != nil {
		return err
	}
	return takenOver(b, v, to, kafka.brokers, rules)
}

// through reads a topic beside those that are measured, and gives how long messages were on
// their way through Kafka alone since it was asked last, in order.
func through(client sarama.Client, topic string) (took func() []time.Duration, err error) {
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	partitions, err := client.Partitions(topic)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var all []time.Duration
	for _, p := range partitions {
		claim, err := consumer.ConsumePartition(topic, p, sarama.OffsetNewest)
		if err != nil {
			return nil, err
		}
		go func() {
			for m := range claim.Messages() {
				mu.Lock()
				all = append(all, time.Since(m.Timestamp))
				mu.Unlock()
			}
		}()
	}
	return func() []time.Duration {
		mu.Lock()
		defer mu.Unlock()
		out := all
		all = nil
		slices.Sort(out)
		return out
	}, nil
}

// alerting is a child that plays alerts, and what it says of itself.
type alerting struct{ *keeper }

func startAlerter(addr, rules string) (*alerting, error) {
	c, err := start("alerts", addr+" "+rules)
	return &alerting{&keeper{child: c}}, err
}

func (a *alerting) until(is func(alerter) bool) error {
	for {
		var now alerter
		if err := a.hear(&now); err != nil {
			return err
		}
		if is(now) {
			return nil
		}
	}
}

// verdicts are written to Kafka.
type verdicts struct {
	producer sarama.SyncProducer
	stalled  int                  // journeys
	others   int                  // journeys
	sent     map[string]time.Time // status of an alert and correlation ID
	read     func() []time.Duration
}

// otherJourneys are those that no alert is of, from this number on.
const otherJourneys = 1 << 40

// change has journeys stall, as many that stalled some journeys ago go on, and others be delivered that never did.
func (v *verdicts) change(stall, ago, others int) error {
	var some []*sarama.ProducerMessage
	now := time.Now().UTC()
	put := func(n int, stalled bool, status string) {
		key, value := verdictNews(n, stalled, now)
		some = append(some, &sarama.ProducerMessage{Topic: record.TopicJourneys, Key: sarama.StringEncoder(key), Value: sarama.ByteEncoder(value)})
		if status != "" {
			v.sent[status+" "+key] = now
		}
	}
	for range stall {
		put(v.stalled, true, alerts.Firing)
		if _, told := v.sent[fmt.Sprintf("%s %032d", alerts.Firing, v.stalled-ago)]; ago > 0 && told {
			put(v.stalled-ago, false, alerts.Resolved)
		} else {
			others++
		}
		v.stalled++
	}
	for range others {
		put(otherJourneys+v.others, false, "")
		v.others++
	}
	return v.producer.SendMessages(some)
}

// hooked writes 2,000 changes a second. Some stall, on which one of the 20 rules of their kind fires; as
// many end the alerts of two seconds ago. Each journey is a group, so each of these changes is told by a
// webhook of its own, and the receiver's ceiling is the highest.
func hooked(b *board, v *verdicts, to *told, owner *alerting, name string, stalls int) error {
	const seconds, every, each = 20, 25 * time.Millisecond, 50
	v.sent = map[string]time.Time{}
	v.read()
	before, err := owner.spent()
	if err != nil {
		return err
	}
	began := time.Now()
	for tick := range seconds * int(time.Second/every) {
		time.Sleep(time.Until(began.Add(time.Duration(tick) * every)))
		if err := v.change(stalls, stalls*int(2*time.Second/every), each-2*stalls); err != nil {
			return err
		}
	}
	lasted := time.Since(began)
	if err := to.until(v.sent, time.Minute); err != nil {
		return err
	}
	after, err := owner.spent()
	if err != nil {
		return err
	}
	took, changes := to.took(v.sent), float64(seconds*each*int(time.Second/every))
	b.say("of %.0f changes a second %.0f fire or end an alert: p50 %.0f ms, p99 %.0f ms, at most %.0f ms; with Kafka, webhooks and their journeys the process takes %.0f us of CPU a change",
		changes/lasted.Seconds(), float64(len(took))/lasted.Seconds(), ms(quantile(took, 0.5)), ms(quantile(took, 0.99)), ms(took[len(took)-1]), float64((after-before).Microseconds())/changes)
	kafka := v.read()
	b.say("this machine has them through Kafka alone, as they come: p50 %.0f ms, p99 %.0f ms", ms(quantile(kafka, 0.5)), ms(quantile(kafka, 0.99)))
	b.bounded(name, "ms", ms(quantile(took, 0.99)), 500)
	return nil
}

// takenOver kills an owner with a million absences that wait, beside whom another one runs.
func takenOver(b *board, v *verdicts, to *told, addr, rules string) error {
	owner, err := startAlerter(addr, rules)
	if err != nil {
		return err
	}
	defer owner.cmd.Process.Kill()
	if err := owner.until(func(a alerter) bool { return a.Owned == collector.DefaultPartitions }); err != nil {
		return err
	}
	var some []*sarama.ProducerMessage
	for n := range manyAbsences {
		id := fmt.Sprintf("absent-%d", n)
		some = append(some, message(id, &record.Record{Time: time.Now().UTC(), Level: "info", Message: "debited", Service: "bank", Node: "n1", Sequence: uint64(n + 1), CorrelationID: id}))
		if len(some) == 5000 {
			if err := v.producer.SendMessages(some); err != nil {
				return err
			}
			some = nil
		}
	}
	if err := owner.until(func(a alerter) bool { return a.Absences == manyAbsences }); err != nil {
		return err
	}
	time.Sleep(5 * time.Second) // until all are kept
	now, peak, err := owner.memory()
	if err != nil {
		return err
	}
	b.say("an owner of %d absences that wait: %.0f MB in RAM, %.0f MB at most", manyAbsences, now, peak)
	next, err := startAlerter(addr, rules)
	if err != nil {
		return err
	}
	defer next.cmd.Process.Kill()
	if err := next.until(func(a alerter) bool { return a.Owned == collector.DefaultPartitions/2 }); err != nil {
		return err
	}
	if err := owner.kill(); err != nil {
		return err
	}
	v.sent = map[string]time.Time{}
	for range 120 {
		if err := v.change(10, 0, 0); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := to.until(v.sent, time.Minute); err != nil {
		return err
	}
	took := to.took(v.sent)
	b.bounded("take-over", "s", took[len(took)-1].Seconds(), 10)
	return next.kill()
}
