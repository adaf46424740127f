package shop

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/bank"
	"github.com/waybill-log/waybill/demo-services/cart"
	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/game"
	"github.com/waybill-log/waybill/demo-services/identity"
	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/demo-services/orders"
	"github.com/waybill-log/waybill/demo-services/products"
	"github.com/waybill-log/waybill/demo-services/purchase"
	"github.com/waybill-log/waybill/demo-services/recommendations"
	"github.com/waybill-log/waybill/demo-services/reviews"
	"github.com/waybill-log/waybill/demo-services/stock"
)

// service is one that has a store.
type service struct {
	name     string
	schema   string
	sample   string // path of a GET whose handler is part of a diagnosis
	messages bool   // whether it sends or receives some
	open     func(h *host) (part, error)
}

// part is what a service's own package gives its host.
type part interface {
	Routes(e *echo.Echo)
	Diagnose(ctx context.Context) error
}

// services are all that have a store, in the order of their start.
func services() []service {
	return []service{
		{"identity", identity.Schema, "", false, openIdentity},
		{"products", products.Schema, "/products", false, func(h *host) (part, error) { return products.New(h.db, h.log), nil }},
		{"reviews", reviews.Schema, "/reviews", false, func(h *host) (part, error) { return reviews.New(h.db, h.log), nil }},
		{"recommendations", recommendations.Schema, "/recommendations", false, func(h *host) (part, error) { return recommendations.New(h.db, h.log), nil }},
		{"stock", stock.Schema, "/stock", false, func(h *host) (part, error) { return stock.New(h.db, h.log), nil }},
		{"cart", cart.Schema, "/cart", false, func(h *host) (part, error) { return cart.New(h.db, h.log), nil }},
		{"orders", orders.Schema, "/orders", true, openOrders},
		{"game", game.Schema, "/player", true, openGame},
		{"bank", bank.Schema, "", true, openBank},
	}
}

// Names are all services, in the order of their start.
func Names() []string {
	names := []string{"registry"}
	for _, s := range services() {
		names = append(names, s.name)
	}
	return append(names, "gateway")
}

func openIdentity(h *host) (part, error) {
	key, err := identity.Key(h.life, h.db)
	if err != nil {
		return nil, err
	}
	minter := credential.NewMinter(key, identity.Issuer)
	h.publish("identity.key", minter.Key())
	return identity.New(h.db, h.log, minter), nil
}

// openOrders has the history hear what has become of orders.
func openOrders(h *host) (part, error) {
	s := orders.New(h.db, h.log)
	record := func(ctx context.Context, tx *sql.Tx, m messaging.Message) error {
		var o purchase.Outcome
		if err := json.Unmarshal(m.Payload, &o); err != nil {
			return messaging.Permanent(fmt.Errorf("read outcome: %w", err))
		}
		err := s.Record(ctx, tx, orders.Order{ID: o.ID, User: o.User, Points: o.Points, Dollars: o.Dollars, State: o.State, CorrelationID: o.CorrelationID, At: o.At})
		if errors.Is(err, orders.ErrOrder) {
			return messaging.Permanent(err)
		}
		return err
	}
	h.bus.Handle(purchase.Opened, record)
	h.bus.Handle(purchase.Returned, record)
	return s, nil
}

func openGame(h *host) (part, error) {
	return game.New(game.Config{DB: h.db, Bus: h.bus, Withdrawn: func() bool { return h.dial().Withdrawn }, Logger: h.log}), nil
}

func openBank(h *host) (part, error) {
	b, err := bank.New(bank.Config{DB: h.db, Bus: h.bus, Instrument: h.in, Protocol: h.cfg.Protocol, Deadline: h.cfg.Deadline})
	if err == nil {
		h.background(b.Run)
	}
	return b, err
}
