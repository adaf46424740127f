package collector_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
)

// A consumer group stops in the middle of its work. The journey whose message it
// stands before is announced as stalled, within its limit and with the group's name,
// and once the group goes on, as delivered.
func TestAPausedGroupStallsItsJourneys(t *testing.T) {
	for name, brokers := range map[string]func(*testing.T) []string{
		"embedded broker": func(t *testing.T) []string { return []string{openBroker(t)} },
		"Kafka":           func(t *testing.T) []string { return testservers.Kafka(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pausedGroup(t, brokers(t))
		})
	}
}

func pausedGroup(t *testing.T, brokers []string) {
	const within = 3 * time.Second
	topic := testservers.Name(t)
	client := connect(t, brokers[0])
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []string{topic, topic + ".records"} {
		if err := admin.CreateTopic(one, &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1}, false); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = admin.DeleteTopic(one) })
	}
	gatherer, err := evidence.NewGatherer(connect(t, brokers[0]), evidence.Config{
		Group: topic, Topic: topic + ".records", Logger: slog.New(slog.DiscardHandler),
		Routes: []journey.Route{{Topic: topic, Groups: []string{topic + "-game"}, Within: within}},
	})
	if err != nil {
		t.Fatal(err)
	}
	following, enough := context.WithCancel(t.Context())
	followed := make(chan struct{})
	go func() { defer close(followed); gatherer.Follow(following) }()
	t.Cleanup(func() { enough(); <-followed })
	startWith(t, collector.Config{Brokers: brokers, Group: topic, Topic: topic + ".records", Store: newShelf(), Evidence: gatherer})

	service := func(name string) *instrument.Instrument {
		in, err := instrument.Start(t.Context(), instrument.Config{Service: name, Brokers: brokers, Topic: topic + ".records", Data: t.TempDir(), Scoped: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = in.Shutdown(context.Background()) })
		return in
	}
	bank, game := service("bank"), service("game")
	send := producer(t, client)
	sell := bank.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, _, err := bank.Send(r.Context(), send, &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder("100")}); err != nil {
			t.Error(err)
		}
	}))
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V2_8_0_0
	cfg.Consumer.Offsets.Initial = sarama.OffsetOldest
	group, err := sarama.NewConsumerGroup(brokers, topic+"-game", cfg)
	if err != nil {
		t.Fatal(err)
	}
	gate := &gated{game: game, group: topic + "-game", open: make(chan struct{})}
	reading := make(chan error, 1)
	consuming, stop := context.WithCancel(t.Context())
	go func() { reading <- group.Consume(consuming, []string{topic}, gate) }()
	t.Cleanup(func() {
		stop()
		<-reading
		group.Close()
	})
	eventually(t, "the group is there", gate.joined.Load)

	sold := time.Now()
	purchase := httptest.NewRequest(http.MethodPost, "/purchases", nil)
	purchase.Header.Set(instrument.HeaderCorrelationID, topic)
	sell.ServeHTTP(httptest.NewRecorder(), purchase)
	told := func(want journey.Verdict) (n collector.News) {
		t.Helper()
		eventually(t, string(want), func() bool {
			mine := slices.DeleteFunc(news(t, client), func(n collector.News) bool { return n.CorrelationID != topic })
			if len(mine) == 0 || mine[len(mine)-1].Verdict != want {
				return false
			}
			n = mine[len(mine)-1]
			return true
		})
		return n
	}
	stalled := told(journey.Stalled)
	t.Logf("%s after %v: %s", stalled.Verdict, stalled.At.Sub(sold), stalled.Reason)
	if stalled.VerdictHop == "" || stalled.At.Before(sold.Add(within)) || stalled.Since == nil {
		t.Errorf("%+v", stalled)
	}
	close(gate.open)
	told(journey.Delivered)
}

// gated is a consumer that waits until it may go on.
type gated struct {
	game   *instrument.Instrument
	group  string
	joined atomic.Bool
	open   chan struct{}
}

func (g *gated) Setup(sarama.ConsumerGroupSession) error   { g.joined.Store(true); return nil }
func (g *gated) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (g *gated) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for m := range claim.Messages() {
		select {
		case <-g.open:
		case <-session.Context().Done():
			return nil
		}
		err := g.game.Process(session.Context(), m, g.group, func(ctx context.Context) error {
			instrument.Delivered(ctx)
			return nil
		})
		if err != nil {
			return err
		}
		session.MarkMessage(m, "")
		session.Commit()
	}
	return nil
}
