package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/embedded"
)

// What cannot be stored is listed, shown whole, and replayed from the command line.
func TestDeadLettersAreListedShownAndReplayed(t *testing.T) {
	b, err := broker.Open(broker.Config{Dir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	f := func(code int, args ...string) string {
		t.Helper()
		r := once(t, nil, append(append([]string{"deadletters"}, args...), "--kafka-brokers", b.Addr())...)
		if r.code != code {
			t.Errorf("deadletters %s: code %d, want %d: %s", strings.Join(args, " "), r.code, code, r.stderr)
		}
		return r.stdout
	}
	if out := f(exitOK, "list"); strings.Count(out, "\n") != 1 {
		t.Errorf("before any collector: %q", out)
	}

	st, err := embedded.Open(embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	c, err := collector.New(collector.Config{Brokers: []string{b.Addr()}, Store: st})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go c.Run(t.Context())
	client, err := collector.Connect([]string{b.Addr()}, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	p, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, poison := range []string{"\x1b[31mred", `{"@timestamp":"2026-01-01T00:00:00Z"}`} {
		if _, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: record.TopicRecords, Key: sarama.StringEncoder("order-7"), Value: sarama.StringEncoder(poison)}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, time.Minute, func() string {
		if out := f(exitOK, "list"); strings.Count(out, "\n") != 3 {
			return out
		}
		return ""
	})
	table := strings.Split(f(exitOK, "list", "--reason", "no event.id"), "\n")
	if !strings.HasPrefix(table[0], "ID") || !strings.Contains(table[1], "waybill.records/") || !strings.Contains(table[1], "not a record: no event.id") || table[2] != "" {
		t.Errorf("%q", table)
	}
	var letter letterJSON
	if err := json.Unmarshal([]byte(f(exitOK, "list", "-n", "1", "-o", "jsonl")), &letter); err != nil || letter.Topic != record.TopicRecords || letter.Key != "order-7" || letter.Bytes == 0 {
		t.Errorf("%+v, %v", letter, err)
	}
	for _, id := range []string{strings.Fields(table[1])[0]} {
		if text := f(exitOK, "show", id); !strings.Contains(text, "no event.id") || !strings.Contains(text, "key       order-7") || !strings.Contains(text, `value     {"@timestamp":"2026-01-01T00:00:00Z"}`) {
			t.Errorf("shown: %s", text)
		}
		if raw := f(exitOK, "show", "-o", "raw", id); raw != `{"@timestamp":"2026-01-01T00:00:00Z"}` {
			t.Errorf("raw: %q", raw)
		}
	}
	if all := f(exitOK, "list"); strings.Contains(all, "\x1b") {
		t.Errorf("a terminal would obey: %q", all)
	}
	if out := f(exitOK, "replay", "--all", "--reason", "no event.id"); out != "replayed 1 of 1\n" {
		t.Errorf("replay: %q", out)
	}
	eventually(t, time.Minute, func() string { // it is no record now either
		if out := f(exitOK, "list"); strings.Count(out, "\n") != 4 {
			return out
		}
		return ""
	})
	f(exitNotFound, "show", "0/999")
	f(exitUsage, "show", "x")
	f(exitUsage, "show")
	f(exitUsage, "replay")
	f(exitUsage, "replay", "--all", "0/0")
	f(exitUsage, "list", "-o", "xml")
	f(exitUsage, "burn")
}
