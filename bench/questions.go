package main

import (
	"math/rand/v2"
	"time"
)

// questions are made of what a supply has given.
type questions struct {
	*supply
	random *rand.Rand
}

func repeat(n int, one func() string) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = one()
	}
	return out
}

func (q *questions) one(kind string, of []string) func() string {
	return func() string { return kind + "=" + of[q.random.IntN(len(of))] }
}

var (
	commonWords  = []string{"timeout", "payment", "stock", "bank", "cache", "customer", "database", "token", "connection", "queued"}
	chineseWords = []string{"支付", "订单", "库存", "余额", "通知", "银行", "服务", "超时", "用时", "重试"}
)

func (q *questions) ids(n int) []any          { return repeat(n, q.one("id", q.keys)) }
func (q *questions) errors(n int) []any       { return repeat(n, q.one("errors", parcelServices)) }
func (q *questions) words(n int) []any        { return repeat(n, q.one("word", commonWords)) }
func (q *questions) chineseWords(n int) []any { return repeat(n, q.one("word", chineseWords)) }
func (q *questions) rareWords(n int) []any    { return repeat(n, q.one("word", q.orders)) }
func (q *questions) journeys(n int) []any     { return repeat(n, func() string { return "journeys" }) }

// unknownIDs are like those that are there, of the same days.
func (q *questions) unknownIDs(n int) []any {
	other := newParcels(99, parcelsPerDay)
	return repeat(n, func() string {
		other.now = q.sometime()
		other.journeys = nil
		other.window = nil
		_, key := other.next()
		return "id=" + key
	})
}

func (q *questions) hours(n int) []any {
	return repeat(n, func() string { return "hour=" + q.sometime().Truncate(time.Hour).Format(time.RFC3339) })
}

// sometime is within what was supplied.
func (q *questions) sometime() time.Time {
	return parcelStart.Add(time.Duration(q.random.Int64N(int64(24*time.Hour) / parcelsPerDay * large)))
}

// mixed are an ID, errors of a service, and a word in turns.
func (q *questions) mixed(n int) []any {
	kinds := []func() string{q.one("id", q.keys), q.one("errors", parcelServices), q.one("word", commonWords)}
	out := make([]any, n)
	for i := range out {
		out[i] = kinds[i%len(kinds)]()
	}
	return out
}
