package instrumenttest_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/instrument/instrumenttest"
	"github.com/waybill-log/waybill/record"
)

// shop is a small system under test, as a user writes it: gateway calls bank,
// bank sends to game, game confirms to bank.
type shop struct {
	rec                 *instrumenttest.Recorder
	gateway, bank, game *instrument.Instrument
	orders              http.Handler
	credit              func(context.Context) error // what game does; nil: confirm
	closed              func(context.Context)       // what bank does last; nil: declare delivered
}

func newShop(t instrumenttest.TB) *shop {
	rec := instrumenttest.New(t)
	s := &shop{rec: rec, gateway: rec.Service("gateway"), bank: rec.Service("bank"), game: rec.Service("game")}
	server := httptest.NewServer(s.bank.Handler(http.HandlerFunc(s.order)))
	client := &http.Client{Transport: s.gateway.Transport(nil)}
	t.Cleanup(func() {
		client.CloseIdleConnections()
		server.Close()
	})
	s.orders = s.gateway.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, _ := http.NewRequestWithContext(r.Context(), http.MethodPost, server.URL+"/orders", nil)
		res, err := client.Do(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_, _ = io.Copy(w, res.Body)
		res.Body.Close()
	}))
	return s
}

func (s *shop) order(_ http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	slog.InfoContext(ctx, "debited", "dollars", 100)
	instrument.Alias(ctx, "order", "A-1001")
	instrument.Expect(ctx, "game", time.Minute)
	s.send(s.bank, instrument.Saga(ctx, "s-1", "credit", record.Forward), "orders")
}

func (s *shop) send(in *instrument.Instrument, ctx context.Context, topic string) { //nolint:revive // reads as a sentence
	_, _, err := in.Send(ctx, s.rec.Producer(), &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder("A-1001"), Value: sarama.StringEncoder("{}")})
	if err != nil {
		panic(err)
	}
}

// buy is the request, and consume is what its messages cause.
func (s *shop) buy(id string) {
	req := httptest.NewRequest(http.MethodPost, "/purchases", strings.NewReader(""))
	if id != "" {
		req.Header.Set(instrument.HeaderCorrelationID, id)
	}
	s.orders.ServeHTTP(httptest.NewRecorder(), req)
}

func (s *shop) consume() {
	for _, m := range s.rec.Messages("orders") {
		_ = s.game.Process(context.Background(), m, "game", func(ctx context.Context) error {
			if s.credit != nil {
				return s.credit(ctx)
			}
			s.game.Logger().InfoContext(ctx, "points credited")
			s.send(s.game, ctx, "confirmations")
			return nil
		})
	}
	for _, m := range s.rec.Messages("confirmations") {
		_ = s.bank.Process(context.Background(), m, "bank", func(ctx context.Context) error {
			if s.closed != nil {
				s.closed(ctx)
			} else {
				instrument.Delivered(ctx)
			}
			return nil
		})
	}
}

var errWithdrawn = errors.New("the game is withdrawn")
