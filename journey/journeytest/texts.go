package journeytest

import (
	"fmt"
	"strings"

	"github.com/waybill-log/waybill/record"
)

var texts = []string{
	"order accepted", "reserving stock", "payment of 100.00 USD requested", "payment authorised", "calling bank for account check", "cache miss for product catalogue",
	"publishing order-created", "message consumed", "shipping label created", "customer notified by mail", "points credited to the player",
	"database query finished", "token verified for tenant north", "订单已接受，正在预留库存", "余额检查通过", "在庫を確認しました", "価格を計算しています",
}

var concerns = []string{"retrying after connection reset by peer", "answer took longer than 500 ms", "cache is stale, using it all the same", "连接银行服务超时，准备重试"}

const (
	everyLong   = 1000 // one log record in so many is longMessage bytes long
	longMessage = 20 << 10
	longest     = 250 << 10 // bytes of the one longest message
	manyLabels  = 400       // of the one record that has the most
)

// log is a log record: text of one kind or another, with a few labels.
func (s *stage) log() record.Record {
	r := record.Record{Level: "info", Message: pick(s, texts), Logger: "shop.flow"}
	switch s.random.IntN(25) {
	case 0:
		r.Level, r.Message = "warn", pick(s, concerns)
	case 1, 2, 3:
		r.Level = "debug"
	}
	if s.random.IntN(everyLong) == 0 {
		r.Message = long(r.Message, longMessage)
	}
	for n := range s.random.IntN(4) {
		r.Labels = append(r.Labels, record.Label{Key: []string{"order_id", "customer", "sku"}[n], Value: digits(s.random, 8)})
	}
	if s.random.IntN(3) == 0 {
		r.Origin = record.Origin{File: "internal/flow/step.go", Line: 1 + s.random.IntN(400), Function: "flow.(*Step).Run"}
	}
	return r
}

// long is a text of some lines, of about so many bytes.
func long(text string, size int) string {
	var b strings.Builder
	for n := 1; b.Len() < size; n++ {
		fmt.Fprintf(&b, "%s (%d)\n", text, n)
	}
	return b.String()
}

// broken is the record of an error.
func (s *stage) broken(what string) record.Record {
	e := record.Error{Type: "*flow.StepError", Message: what}
	e.Stack = e.Message + "\n" + strings.Repeat("goroutine 17 [running]:\n\tshop/internal/flow.(*Step).Run(step.go:118)\n", 1+s.random.IntN(30))
	return record.Record{Level: "error", Message: "a step failed", Logger: "shop.flow", Error: e}
}

// largest are the one longest message and the record with the most labels.
func (s *stage) largest() []record.Record {
	labelled := record.Record{Level: "info", Message: "all that is known of the order"}
	for n := range manyLabels {
		labelled.Labels = append(labelled.Labels, record.Label{Key: fmt.Sprintf("attribute.%03d", n), Value: digits(s.random, 1+n%64)})
	}
	return []record.Record{{Level: "info", Message: long("the whole answer of the carrier", longest)}, labelled}
}

// names of what is asked of services.
var routes = []string{"/orders", "/orders/{id}", "/payments", "/accounts/{id}/balance", "/stock/{sku}", "/prices", "/labels", "/players/{id}/points"}

func (s *stage) request() record.HTTP {
	route := pick(s, routes)
	return record.HTTP{Method: pick(s, []string{"GET", "POST", "PUT"}), Route: route, Path: strings.NewReplacer("{id}", digits(s.random, 6), "{sku}", digits(s.random, 4)).Replace(route)}
}

// topics are what messages are sent to, and who picks them up.
var topics = []struct {
	name    string
	readers []string
}{
	{"shop.orders", []string{"stock", "pricing"}}, {"shop.payments", []string{"bank"}}, {"shop.game", []string{"game"}},
	{"shop.events", []string{"notify", "mail"}}, {"shop.shipping", []string{"shipping"}}, {"shop.checks", []string{"fraud"}},
}

// unread is a topic that nobody reads.
const unread = "shop.returns"

const partitions = 6
