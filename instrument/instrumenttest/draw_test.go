package instrumenttest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

func golden(t *testing.T, name string) (out []record.Record) {
	t.Helper()
	b, err := os.ReadFile("../../record/testdata/" + name + ".ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.SplitSeq(bytes.TrimSpace(b), []byte("\n")) {
		r, err := record.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// wantDrawing compares all but the two lines of heading and the one behind them.
func wantDrawing(t *testing.T, records []record.Record, want string) {
	t.Helper()
	lines := strings.SplitN(draw(journey.Build(records, journey.Evidence{})), "\n", 4)
	if got := strings.TrimSpace(lines[3]); got != strings.TrimSpace(want) {
		t.Errorf("got\n%s\nwant%s", got, want)
	}
}

func TestAJourneyIsATree(t *testing.T) {
	t.Parallel()
	wantDrawing(t, golden(t, "purchase"), `
gateway  POST /purchases  server, success, 202
  info  purchase accepted
  ─ http ─► bank  POST /orders  server, success, 202
    info  debited, order is NEW  order_id=A-1001a  dollars=100
    ─ local ─► bank  send shop.orders  producer, success
      ─ kafka shop.orders ─► game  process shop.orders  consumer, success
        info  points credited  order_id=A-1001a  points=100
        ─ local ─► game  send shop.confirmations  producer, success
          ─ kafka shop.confirmations ─► bank  process shop.confirmations  consumer, success
            info  game confirmed, order is OPEN  order_id=A-1001a
            info  delivered
`)
	// What several hops caused is drawn once.
	report := "internal, success"
	wantDrawing(t, golden(t, "batch"), `
bank  send audit  producer, success
  ─ kafka audit ─► audit  process audit  consumer, success
    info  noted
    ─ local ─► audit  report  `+report+`
bank  send audit  producer, success
  ─ kafka audit ─► audit  process audit  consumer, success
    info  noted
    ─ local ─► audit  report  (drawn above)
bank  send audit  producer, success
  ─ kafka audit ─► audit  process audit  consumer, success
    info  noted
    ─ local ─► audit  report  (drawn above)
`)
}

// Hops that cause each other, records of no hop, and text that moves a cursor.
func TestABrokenJourneyIsStillDrawn(t *testing.T) {
	t.Parallel()
	span := func(n uint64, id, parent string) record.Record {
		return record.Record{Service: "s", Node: "n", Sequence: n, CorrelationID: "a", Kind: record.KindHopStart, SpanID: id, ParentID: parent, SpanName: "visit " + id, SpanKind: "server"}
	}
	wantDrawing(t, []record.Record{
		span(1, "1", "2"), span(2, "2", "1"),
		{Service: "s", Node: "n", Sequence: 3, CorrelationID: "a", Level: "info", Message: "red\x1b[31m\nand \u202eback"},
	}, `
s  visit 1  server, open
  ─ http ─► s  visit 2  server, open
    ─ http ─► s  visit 1  (drawn above)
in no hop
  s  info  red·[31m·and ·back
`)
}

func TestADrawingIsBounded(t *testing.T) {
	t.Parallel()
	var records []record.Record
	for n := range uint64(1000) {
		records = append(records, record.Record{Service: "s", Node: "n", Sequence: n + 1, CorrelationID: "a", Level: "info", Message: strings.Repeat("ü", 1000)})
	}
	got := draw(journey.Build(records, journey.Evidence{}))
	if lines := strings.Count(got, "\n"); lines != maxLines+1 || !strings.HasSuffix(got, "\n… and 704 lines more\n") || len(got) > maxLines*(maxText+20) || strings.Contains(got, "\ufffd") {
		t.Errorf("%d lines, %d bytes, the last\n%s", lines, len(got), got[max(0, len(got)-100):])
	}
}

// What a service numbered and Kafka acknowledged, and memory does not hold, is lost.
func TestARecordMissingFromMemoryIsLost(t *testing.T) {
	t.Parallel()
	r := New(t)
	game := r.Service("game")
	_ = game.Process(t.Context(), &sarama.ConsumerMessage{Topic: "orders"}, "game", func(ctx context.Context) error {
		for n := range 3 {
			game.Logger().InfoContext(ctx, fmt.Sprint("step ", n))
		}
		return nil
	})
	r.Only().Whole()
	r.memory.mu.Lock()
	all := r.memory.topics[record.TopicRecords]
	for i, m := range all.messages {
		if bytes.Contains(m.Value, []byte("step 1")) {
			all.messages = append(all.messages[:i:i], all.messages[i+1:]...)
			break
		}
	}
	r.memory.mu.Unlock()
	if j := r.Only(); j.Completeness != journey.Lossy {
		t.Errorf("%s: %s", j.Completeness, j.CompletenessReason)
	}
}
