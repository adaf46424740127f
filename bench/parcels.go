package main

import (
	"cmp"
	"container/heap"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/record"
)

// parcels makes the records of a shop's journeys, one by one in the order in which
// they arrive, the same for the same seed: about 60,000 journeys a million
// records, 1 to 200 records each, 24 h for as many as a day has, one journey in ten
// speaking Chinese. Records arrive up to 50 places from their order in time.
type parcels struct {
	random   *rand.Rand
	now      time.Time
	gap      time.Duration // between the beginnings of journeys
	journeys arrivals      // by their next record
	window   []parcel
	sequence map[string]uint64
	made     int
	nodes    [][]string
}

type parcel struct {
	raw []byte
	key string
}

type journeyOf struct {
	key     string
	order   string
	next    time.Time
	left    int
	step    int
	chinese bool
	failing bool
	span    string
	service int
	hop     uint64
}

type arrivals []*journeyOf

func (a arrivals) Len() int           { return len(a) }
func (a arrivals) Less(i, j int) bool { return a[i].next.Before(a[j].next) }
func (a arrivals) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)        { *a = append(*a, x.(*journeyOf)) }
func (a *arrivals) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

var parcelServices = []string{"gateway", "orders", "payment", "bank", "game", "stock", "shipping", "notify"}

// parcelStart is a midnight, so that a million records are a day.
var parcelStart = time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

const (
	parcelsPerDay     = 1_000_000
	recordsPerJourney = 16.7
)

func newParcels(seed uint64, perDay int) *parcels {
	p := &parcels{
		random: rand.New(rand.NewPCG(seed, 1)), now: parcelStart, sequence: map[string]uint64{},
		gap: time.Duration(float64(24*time.Hour) * recordsPerJourney / float64(perDay)),
	}
	for _, service := range parcelServices {
		var nodes []string
		for range 3 {
			nodes = append(nodes, service[:2]+p.hex(9))
		}
		p.nodes = append(p.nodes, nodes)
	}
	return p
}

func (p *parcels) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(p.random.Uint32())
	}
	return hex.EncodeToString(b)
}

// next returns the next record to arrive and the correlation key it has.
func (p *parcels) next() (raw []byte, key string) {
	for len(p.window) < 50 {
		p.window = append(p.window, p.write())
	}
	i := p.random.IntN(len(p.window))
	out := p.window[i]
	p.window[i] = p.write()
	return out.raw, out.key
}

// write makes the next record in the order of time.
func (p *parcels) write() parcel {
	for len(p.journeys) == 0 || p.journeys[0].next.After(p.now) {
		n := min(1+int(p.random.ExpFloat64()*(recordsPerJourney-0.5)), 200)
		key := fmt.Sprintf("%012x%s", p.now.UnixMilli(), p.hex(10))
		heap.Push(&p.journeys, &journeyOf{
			key: key, order: strconv.Itoa(1_000_000 + p.random.IntN(900_000_000)), next: p.now, left: n,
			chinese: p.random.IntN(10) == 0, failing: p.random.IntN(20) == 0,
		})
		p.now = p.now.Add(time.Duration(p.random.ExpFloat64() * float64(p.gap)))
	}
	j := p.journeys[0]
	raw := p.scan(j)
	j.next = j.next.Add(time.Duration(p.random.ExpFloat64() * float64(40*time.Millisecond)))
	if j.left--; j.left == 0 {
		heap.Pop(&p.journeys)
	} else {
		heap.Fix(&p.journeys, 0)
	}
	return parcel{raw: raw, key: j.key}
}

func (p *parcels) scan(j *journeyOf) []byte {
	if j.step%4 == 0 {
		j.service, j.span, j.hop = p.random.IntN(len(parcelServices)), p.hex(8), 0
	}
	j.hop++
	node := p.nodes[j.service][j.key[15]%3]
	p.sequence[node]++
	amount := strconv.Itoa(1 + p.random.IntN(500))
	took := p.random.IntN(900)
	level, message := "info", ""
	texts := parcelTexts
	if j.chinese {
		texts = parcelTextsChinese
	}
	message = texts[(j.step*7+j.service)%len(texts)]
	if j.failing && j.left <= 2 {
		level, message = "error", cmp.Or(map[bool]string{true: "支付失败：账户 {o} 余额不足"}[j.chinese], "payment for order {o} failed: upstream timeout after {t} ms")
	} else if p.random.IntN(25) == 0 {
		level = "warn"
	}
	message = strings.NewReplacer("{o}", j.order, "{t}", strconv.Itoa(took), "{a}", amount).Replace(message)
	r := record.Record{
		Time: j.next, Level: level, Message: message, Service: parcelServices[j.service],
		Node: node, Sequence: p.sequence[node], CorrelationID: j.key, TraceID: j.key, SpanID: j.span, HopSequence: j.hop,
		Labels: []record.Label{
			{Key: "order_id", Value: j.order}, {Key: "amount", Value: amount},
		},
	}
	j.step++
	p.made++
	return record.Append(nil, &r)
}

var parcelTexts = []string{
	"order {o} accepted", "reserving stock for order {o}", "payment of {a} USD requested", "payment authorised in {t} ms",
	"calling bank for account check", "cache miss for product catalogue", "publishing event order-created to orders", "consumed message from orders, queued {t} ms",
	"shipping label created for order {o}", "customer notified by mail", "points credited to the player", "request GET /api/v1/orders/{o} took {t} ms",
	"retrying after connection reset by peer", "database query finished in {t} ms", "token verified for tenant north",
}

var parcelTextsChinese = []string{
	"订单 {o} 已接受", "正在为订单 {o} 预留库存", "请求支付 {a} 元", "支付成功，用时 {t} 毫秒", "余额检查通过", "发送通知给客户", "物流单已创建，订单 {o}", "库存不足，稍后重试", "连接银行服务超时，准备重试",
}
