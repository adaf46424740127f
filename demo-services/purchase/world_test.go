package purchase_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/labstack/echo/v4"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/waybill-log/waybill/demo-services/bank"
	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/demo-services/game"
	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/demo-services/purchase"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

const table = `
topics:
  shop.game: {readers: [game]}
  shop.bank: {readers: [bank]}
  shop.events: {readers: [orders]}
routes:
  - {type: order.place, to: [shop.game]}
  - {type: order.prepare, to: [shop.game]}
  - {type: order.open, to: [shop.game]}
  - {type: order.cancel, to: [shop.game]}
  - {type: order.begin, to: [shop.bank]}
  - {type: order.credited, to: [shop.bank]}
  - {type: order.refused, to: [shop.bank]}
  - {type: order.cancelled, to: [shop.bank]}
  - {type: order.opened, to: [shop.events]}
  - {type: order.returned, to: [shop.events]}
`

// side is one service: what is on its disk, and the process that runs now.
type side struct {
	name string
	db   *sql.DB
	in   *instrument.Instrument
	bus  *messaging.Bus
	bank *bank.Bank
	web  *echo.Echo

	order, money *sql.Stmt // what is on disk of one order, and in all
}

// cast are the instruments of many worlds' services, and what they have written.
type cast struct {
	t  testing.TB
	in map[string]*instrument.Instrument

	mu      sync.Mutex
	records map[string][]record.Record // by correlation ID
}

func newCast(t testing.TB) *cast {
	c := &cast{t: t, in: map[string]*instrument.Instrument{}, records: map[string][]record.Record{}}
	for _, name := range []string{"bank", "game", "orders"} {
		in, err := instrument.Start(context.Background(), instrument.Config{Service: name, Scoped: true, Console: slog.DiscardHandler, Deliver: c.take})
		if err != nil {
			t.Fatal(err)
		}
		c.in[name] = in
	}
	return c
}

func (c *cast) take(topic string, _, value []byte) error {
	if topic != record.TopicRecords {
		return nil
	}
	r, err := record.Decode(slices.Clone(value))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records[r.CorrelationID] = append(c.records[r.CorrelationID], r)
	return nil
}

// journeys are what was written, by correlation ID. Nothing is written after it.
func (c *cast) journeys() map[string]*journey.Journey {
	for _, in := range c.in {
		if err := in.Shutdown(context.Background()); err != nil {
			c.t.Fatal(err)
		}
	}
	out := map[string]*journey.Journey{}
	for id, records := range c.records {
		out[id] = journey.Build(records, journey.Evidence{AsOf: time.Now().Add(24 * time.Hour)})
	}
	return out
}

// world is a bank and a game with everything between them: a Kafka that loses nothing, and that
// hands messages over late, twice and in any order.
type world struct {
	*cast
	protocol   string
	now        time.Time
	bank, game *side
	orders     *side // hears of what has ended
	withdrawn  bool
	clearFails bool // the next message goes out, and its sender dies before it knows

	waiting []*sarama.ConsumerMessage // not handled yet
	offsets int64
}

const deadline = 30 * time.Second

func (c *cast) world(protocol string) *world {
	w := &world{cast: c, protocol: protocol, now: time.Unix(1_800_000_000, 0)}
	w.bank, w.game, w.orders = w.side("bank", bank.Schema), w.side("game", game.Schema), w.side("orders", "")
	for _, s := range w.sides() {
		w.restart(s)
	}
	return w
}

func (w *world) sides() []*side { return []*side{w.bank, w.game, w.orders} }

func (w *world) side(name, schema string) *side {
	db, err := sql.Open("sqlite", ":memory:?_txlock=immediate")
	if err != nil {
		w.t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // the memory is the connection's
	for _, text := range []string{schema, messaging.Schema} {
		if _, err := db.Exec(text); err != nil {
			w.t.Fatal(err)
		}
	}
	s := &side{name: name, db: db, in: w.in[name]}
	if name == "orders" {
		return s
	}
	var failed error
	s.order, err = db.Prepare(ofOrder[name])
	s.money, failed = db.Prepare(inAll[name])
	if err = errors.Join(err, failed); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// restart begins a service anew with what is on its disk.
func (w *world) restart(s *side) {
	parsed, err := messaging.ParseTable([]byte(table))
	if err != nil {
		w.t.Fatal(err)
	}
	now := func() time.Time { return w.now }
	s.bus = messaging.New(messaging.Config{Service: s.name, DB: s.db, Instrument: s.in, Router: messaging.NewRouter(parsed), Now: now}, producer{w: w})
	s.web = echo.New()
	s.web.Use(s.in.Echo())
	switch s.name {
	case "game":
		game.New(game.Config{DB: s.db, Bus: s.bus, Withdrawn: func() bool { return w.withdrawn }, Logger: s.in.Logger()}).Routes(s.web)
		return
	case "orders":
		for _, typ := range []string{purchase.Opened, purchase.Returned} {
			s.bus.Handle(typ, func(context.Context, *sql.Tx, messaging.Message) error { return nil })
		}
		return
	}
	if s.bank, err = bank.New(bank.Config{DB: s.db, Bus: s.bus, Instrument: s.in, Protocol: w.protocol, Deadline: deadline, Now: now}); err != nil {
		w.t.Fatal(err)
	}
	s.bank.Routes(s.web)
}

// producer is how services reach the world's Kafka.
type producer struct {
	sarama.SyncProducer // of which nothing else is called
	w                   *world
}

var errDied = errors.New("died before it knew")

func (p producer) SendMessage(m *sarama.ProducerMessage) (int32, int64, error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	key, _ := m.Key.Encode()
	value, _ := m.Value.Encode()
	p.w.offsets++
	c := &sarama.ConsumerMessage{Topic: m.Topic, Key: key, Value: value, Offset: p.w.offsets, Timestamp: p.w.now}
	for _, h := range m.Headers {
		c.Headers = append(c.Headers, &h)
	}
	p.w.waiting = append(p.w.waiting, c)
	if p.w.clearFails {
		p.w.clearFails = false
		return 0, p.w.offsets, errDied
	}
	return 0, p.w.offsets, nil
}

func (p producer) SendMessages(ms []*sarama.ProducerMessage) error {
	for _, m := range ms {
		if _, _, err := p.SendMessage(m); err != nil {
			return err
		}
	}
	return nil
}

// buy orders points at the bank, and returns the journey's ID.
func (w *world) buy(order string, points int) (id string, status int) {
	id = "journey-of-" + order
	r := httptest.NewRequest(http.MethodPost, "/orders", strings.NewReader(fmt.Sprintf(`{"id":%q,"points":%d}`, order, points)))
	r.Header.Set(instrument.HeaderCorrelationID, id)
	r = r.WithContext(credential.With(r.Context(), credential.Claims{Subject: "USER1"}))
	res := httptest.NewRecorder()
	w.bank.web.ServeHTTP(res, r)
	return id, res.Code
}

// relay sends one message of a service. It reports whether there was one.
func (w *world) relay(s *side) bool {
	sent, err := s.bus.Relay(context.Background())
	if err != nil && !errors.Is(err, errDied) {
		w.t.Fatal(err)
	}
	return sent || err != nil
}

// typeOf is a message's type.
func typeOf(m *sarama.ConsumerMessage) string {
	for _, h := range m.Headers {
		if string(h.Key) == "message-type" {
			return string(h.Value)
		}
	}
	return ""
}

// deliver hands one message over; again keeps it, as if the receiver had died before it said so.
func (w *world) deliver(n int, again bool) {
	m := w.waiting[n]
	if !again {
		w.waiting = slices.Delete(w.waiting, n, n+1)
	}
	to := map[string]*side{"shop.game": w.game, "shop.bank": w.bank, "shop.events": w.orders}[m.Topic]
	if err := to.bus.Deliver(context.Background(), m); err != nil {
		w.t.Fatal(err)
	}
}

// sweep has the bank look at its deadlines.
func (w *world) sweep() {
	if err := w.bank.bank.Sweep(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// settle lets everything arrive, until nothing happens any more and the last deadline has passed.
func (w *world) settle() {
	for end := w.now.Add(deadline + 10*time.Minute); w.now.Before(end); {
		w.sweep()
		moved := w.relay(w.bank) || w.relay(w.game)
		for len(w.waiting) > 0 {
			w.deliver(0, false)
			moved = true
		}
		if !moved {
			w.now = w.now.Add(time.Second)
		}
		if !moved && w.done() {
			return
		}
	}
	w.t.Fatal("it does not come to an end")
}

// done reports whether no order is under way.
func (w *world) done() bool {
	var n int
	if err := w.bank.db.QueryRow("SELECT count(*) FROM orders WHERE state = 'NEW' OR state = 'CANCEL' AND NOT acknowledged").Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n == 0
}

const waitingAndDone = ", ''), (SELECT coalesce(group_concat(type), '') FROM outbox WHERE key = ?1), (SELECT coalesce(group_concat(type), '') FROM inbox WHERE key = ?1)"

var (
	ofOrder = map[string]string{
		"bank": "SELECT coalesce((SELECT state || CASE WHEN acknowledged THEN '!' ELSE '' END FROM orders WHERE id = ?1)" + waitingAndDone,
		"game": "SELECT coalesce((SELECT state FROM credits WHERE order_id = ?1)" + waitingAndDone,
	}
	inAll = map[string]string{
		"bank": `SELECT (SELECT sum(dollars) FROM accounts), (SELECT sum(held) FROM accounts),
			(SELECT coalesce(sum(dollars), 0) FROM orders WHERE state != 'CANCEL' AND NOT (held AND state = 'NEW')),
			(SELECT coalesce(sum(dollars), 0) FROM orders WHERE held AND state = 'NEW')`,
		"game": `SELECT (SELECT coalesce(sum(points), 0) FROM players), (SELECT coalesce(sum(reserved), 0) FROM players),
			(SELECT coalesce(sum(points), 0) FROM credits WHERE state = 'OPEN'), (SELECT coalesce(sum(points), 0) FROM credits WHERE state = 'RESERVED')`,
	}
)

// together is what both sides have on disk of an order.
func (w *world) together(order string) (t purchase.Together) {
	read := func(s *side, state, out, in *string) {
		if err := s.order.QueryRow(order).Scan(state, out, in); err != nil {
			w.t.Fatal(err)
		}
		*out, *in = purchase.Letters(strings.Split(*out, ",")), purchase.Letters(strings.Split(*in, ","))
	}
	read(w.bank, &t.Bank, &t.BankOut, &t.BankIn)
	read(w.game, &t.Game, &t.GameOut, &t.GameIn)
	return t
}

// money is in one place at a time: in an account, held, or in an order that has not been
// cancelled; and so are points.
func (w *world) money(total int64) error {
	var dollars, held, ordered, holding, points, reserved, open, reserving int64
	err := errors.Join(w.bank.money.QueryRow().Scan(&dollars, &held, &ordered, &holding), w.game.money.QueryRow().Scan(&points, &reserved, &open, &reserving))
	if err != nil {
		w.t.Fatal(err)
	}
	if dollars+held+ordered != total || held != holding {
		return fmt.Errorf("%d dollars in accounts, %d held, %d in orders, %d in orders that hold; want %d in all", dollars, held, ordered, holding, total)
	}
	if points != open || reserved != reserving {
		return fmt.Errorf("%d points and %d reserved, by orders %d and %d", points, reserved, open, reserving)
	}
	return nil
}

// close frees the disks.
func (w *world) close() {
	for _, s := range w.sides() {
		if s.order != nil {
			s.order.Close()
			s.money.Close()
		}
		if err := s.db.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// pick returns a random waiting message's place; -1: there is none.
func (w *world) pick(random *rand.Rand) int {
	if len(w.waiting) == 0 {
		return -1
	}
	return random.IntN(len(w.waiting))
}
