package hook

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/IBM/sarama"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/infra/broker"
)

// hostile is a parcel whose texts are markup wherever they are shown.
func hostile() *parcel {
	n := note("ops", "g-1")
	n.Title = "bank <!channel> *stalled* @everyone <at>all</at>\nBcc: evil@example.com"
	n.Text = strings.Repeat("<https://evil.example.com|click> [click](https://evil.example.com) @here & `code` \x1b[31m", 3)
	n.Alerts[0].Title, n.Alerts[0].Text = n.Title, strings.Repeat("long ", 5000)
	n.Alerts[0].URL, n.Alerts[0].Runbook = "https://waybill.example.com/j/1", "javascript:alert(1)"
	for range 30 {
		n.Alerts = append(n.Alerts, alerts.Alert{Key: "k", Rule: "r", Status: "firing", Title: "<!here>"})
	}
	return &parcel{Notification: n, Delivery: newDelivery(n, "ops", n.Time)}
}

// texts are all strings in a JSON value, by the last key above them.
func texts(v any, key string, into map[string][]string) {
	switch v := v.(type) {
	case string:
		into[key] = append(into[key], v)
	case map[string]any:
		for k, inner := range v {
			texts(inner, k, into)
		}
	case []any:
		for _, inner := range v {
			texts(inner, key, into)
		}
	}
}

func textsOf(t *testing.T, body any) map[string][]string {
	t.Helper()
	var v any
	if err := json.Unmarshal(encoded(body), &v); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	texts(v, "", all)
	return all
}

func TestChatsAreWithinTheirLimitsAndMentionNobody(t *testing.T) {
	p := hostile()
	in := textsOf(t, slackBody(p))
	for _, text := range in["text"] {
		if strings.Contains(text, "<!") || strings.Contains(text, "<https://evil") || utf8.RuneCountInString(text) > 3000 {
			t.Errorf("slack: %.300q", text)
		}
	}
	if all := strings.Join(in["text"], " "); !strings.Contains(all, "&lt;!channel&gt;") || !strings.Contains(all, "‹!channel›") || !strings.Contains(all, "<https://waybill.example.com/j/1|journey>") || strings.Contains(all, "javascript:") {
		t.Errorf("slack: %.2000q", all)
	}
	in = textsOf(t, teamsBody(p))
	if all := strings.Join(in["text"], " "); strings.Contains(all, "[click](") || strings.Contains(all, "<at>") || !strings.Contains(all, "[journey](https://waybill.example.com/j/1)") || len(encoded(teamsBody(p))) > 28<<10 {
		t.Errorf("teams, %d bytes: %.2000q", len(encoded(teamsBody(p))), all)
	}
	in = textsOf(t, discordBody(p))
	if d := in["description"][0]; strings.Contains(d, " [click](") || utf8.RuneCountInString(d) > 4096 || utf8.RuneCountInString(in["title"][0]) > 256 {
		t.Errorf("discord: %.2000q", d)
	}
	if b := string(encoded(discordBody(p))); !strings.Contains(b, `"allowed_mentions":{"parse":[]}`) {
		t.Errorf("discord: %.300s", b)
	}
	if mention := titleOf(p); oneLine(mention, 100) == mention {
		t.Error("the title has its newline")
	}
}

func TestAlertmanagerGetsAlertsAsPrometheusSendsThem(t *testing.T) {
	var c caught
	url := server(t, func(_ http.ResponseWriter, r *http.Request) { c.catch(r) })
	r := Receiver{Name: "am", AllowPrivate: true, Alertmanager: &Alertmanager{HTTP: HTTP{URL: url + "/prefix"}}}
	m, err := New(Config{Receivers: []Receiver{r}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(m)
	j := newMemory()
	if err := m.Take(0, j, j.all()); err != nil {
		t.Fatal(err)
	}
	n := note("am", "g-1")
	n.Alerts[0].Labels = map[string]string{"service.name": "bank", "empty": "", "9": "x"}
	resolved := n.Alerts[0]
	at := n.Time.Add(time.Minute)
	resolved.Key, resolved.Status, resolved.EndsAt = "k2", "resolved", &at
	n.Alerts = append(n.Alerts, resolved)
	if err := m.Notify(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	want(t, "outcome", ended(t, m, "am").Outcome, Delivered)
	want(t, "path", c.path[0], "/prefix/api/v2/alerts")
	var got []struct {
		Labels, Annotations map[string]string
		StartsAt, EndsAt    time.Time
		GeneratorURL        string
	}
	if err := json.Unmarshal(c.body[0], &got); err != nil || len(got) != 2 {
		t.Fatalf("%s: %v", c.body[0], err)
	}
	l := got[0].Labels
	want(t, "labels", l["alertname"]+l["service_name"]+l["_9"]+l["correlation_id"]+l["severity"]+l["alert_key"], "stalledbankxOrder-g-1criticalg-1")
	if _, ok := l["empty"]; ok {
		t.Error("an empty label, which Alertmanager refuses")
	}
	want(t, "summary", got[0].Annotations["summary"], "bank stalled")
	want(t, "ends", got[1].EndsAt.Equal(at), true)
	if hold := time.Until(got[0].EndsAt); hold < 23*time.Hour || hold > 24*time.Hour {
		t.Errorf("a firing alert is held for %v", hold)
	}
}

func script(t *testing.T, text string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{path, "$(touch owned)", "; touch owned"}
}

func TestProgramsGetJSONAndAreBounded(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the test's programs are scripts of a shell")
	}
	t.Setenv("WAYBILL_TOKEN", "sEcReT")
	f := func(text string, outcome Outcome) Delivery {
		t.Helper()
		r := Receiver{Name: "page", Timeout: time.Second, Exec: &Exec{Command: script(t, text)}}
		d := tryOnce(t, Config{AllowExec: true}, r)
		if d.Outcome != outcome {
			t.Errorf("%s: %s, %s", text, d.Outcome, d.Reason)
		}
		return d
	}
	out := filepath.Join(t.TempDir(), "out")
	d := f("cat >"+out+"; echo got it; echo $WAYBILL_TRACKING_NUMBER $WAYBILL_TOKEN", Delivered)
	want(t, "answer", d.Attempts[0].Answer, "got it\nalert-"+d.ID+"\n")
	b, err := os.ReadFile(out)
	var p Payload
	if err != nil || json.Unmarshal(b, &p) != nil || p.Type != "alert.test" || p.Data.ID != d.ID {
		t.Errorf("stdin was %s, %v", b, err)
	}
	d = f("echo broken >&2; exit 3", Failed)
	want(t, "status", d.Attempts[0].Status, 3)
	want(t, "answer", d.Attempts[0].Answer, "broken\n")
	d = f("sleep 60 & sleep 60", Failed)
	if d.Attempts[0].Took > 5*time.Second || !strings.Contains(d.Reason, "longer than 1s") {
		t.Errorf("it took %v: %s", d.Attempts[0].Took, d.Reason)
	}
	d = f("yes", Failed)
	if len(d.Attempts[0].Answer) > maxAnswerHead {
		t.Errorf("%d bytes are kept", len(d.Attempts[0].Answer))
	}
	f("exit 0 <&-", Delivered) // and reads nothing
}

func TestATopicGetsWhatAWebhookGets(t *testing.T) {
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	brokers := []string{b.Addr()}
	if real := os.Getenv("WAYBILL_KAFKA_BROKERS"); real != "" {
		brokers = strings.Split(real, ",")
	}
	cfg := sarama.NewConfig()
	cfg.Producer.Return.Successes, cfg.Producer.RequiredAcks = true, sarama.WaitForAll
	topic := "alerts-" + strings.ToLower(strings.ReplaceAll(time.Now().UTC().Format("150405.000000"), ".", "-"))
	admin, err := sarama.NewClusterAdmin(brokers, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.DeleteTopic(topic) }()
	producer, err := sarama.NewSyncProducer(brokers, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	r := Receiver{Name: "topic", Kafka: &Topic{Topic: topic, SecretFiles: []string{file(t, oldSecret)}}}
	m, err := New(Config{Receivers: []Receiver{r}, Producer: producer})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(m)
	j := newMemory()
	if err := m.Take(0, j, j.all()); err != nil {
		t.Fatal(err)
	}
	notify(t, m, "topic", "g-1")
	d := ended(t, m, "topic")
	want(t, "outcome", d.Outcome, Delivered)
	want(t, "answer", d.Attempts[0].Answer, "partition 0, offset 0")
	consumer, err := sarama.NewConsumer(brokers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	pc, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case got := <-pc.Messages():
		header := http.Header{}
		for _, h := range got.Headers {
			header.Set(string(h.Key), string(h.Value))
		}
		wh, _ := standardwebhooks.NewWebhook(oldSecret)
		if err := wh.Verify(got.Value, header); err != nil {
			t.Error(err)
		}
		want(t, "key", string(got.Key), "g")
		want(t, "webhook-id", header.Get("webhook-id"), "g-1")
	case <-ctx.Done():
		t.Fatal("no message came")
	}
}
