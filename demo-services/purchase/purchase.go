// Package purchase is what bank and game agree on: how an order of points travels, and which
// states the two may be in together.
//
//	bank  NEW ──credited──► OPEN          dollars taken, points spendable
//	       └──refused, or no answer in time──► CANCEL ──cancelled──► CANCEL, acknowledged
//	game  ──place──► RESERVED ──open──► OPEN
//	       │             └────cancel──► CANCELLED
//	       ├──place, withdrawn──► REFUSED
//	       └──cancel, before any place──► CANCELLED; a late order is refused
//
// Points that are reserved cannot be spent, so taking them back always works. The bank decides,
// in one local transaction; after that it says the same until it has been heard.
package purchase

import "time"

// Order is a purchase of points.
type Order struct {
	ID      string `json:"id"`
	User    string `json:"user"`
	Points  int64  `json:"points"`
	Dollars int64  `json:"dollars"`
}

// Outcome is an order that has come to an end, for whoever subscribes.
type Outcome struct {
	Order
	State         string    `json:"state"`
	CorrelationID string    `json:"correlation_id"`
	At            time.Time `json:"at"`
}

// Refusal is the game's no.
type Refusal struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Types of messages. Their payloads are orders, but for refusals and outcomes.
const (
	Begin = "order.begin" // to the bank, at a time that was agreed
	Place = "order.place" // bank to game, as are the next two
	Open  = "order.open"
	Drop  = "order.cancel"

	Credited  = "order.credited" // game to bank, as are the next two
	Refused   = "order.refused"
	Cancelled = "order.cancelled"

	Prepare = "order.prepare" // bank asks game, and waits

	Opened   = "order.opened" // events of the bank
	Returned = "order.returned"
)

// States of an order at the bank.
const (
	BankNew    = "NEW"    // dollars taken or held; the game has not answered
	BankOpen   = "OPEN"   // for good
	BankCancel = "CANCEL" // for good; dollars are back
)

// States of an order at the game.
const (
	GameReserved  = "RESERVED"
	GameOpen      = "OPEN"      // for good
	GameCancelled = "CANCELLED" // for good
	GameRefused   = "REFUSED"   // for good, until it is cancelled
)
