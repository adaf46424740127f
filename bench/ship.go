package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/collector/intake"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/ship"
)

const (
	shippedLines = 500_000
	shipGoal     = 1e6 / 150_000.0 // µs a line, for 150,000 lines a second
)

// ships measures waybill ship on lines of JSON: to a carrier that only counts, beside the loop that one would
// write, and to the acknowledgement of a collector whose Kafka is the embedded broker.
//
//	file ─► ship ─► counted
//	file ─► ship ─► intake ─► broker
func ships(b *board) (err error) {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	log := filepath.Join(dir, "app.log")
	f, err := os.Create(log)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, newChatter(shippedLines))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	var failed error
	perLine := func(way func() error) func() float64 {
		return func() float64 {
			began := time.Now()
			failed = errors.Join(failed, way())
			return time.Since(began).Seconds() * 1e6 / shippedLines
		}
	}
	counted := medians(perLine(func() error { return shipTo(log, &counter{}) }), perLine(func() error { return naiveShip(log) }))
	if failed != nil {
		return failed
	}
	b.say("lines of JSON to a carrier that counts: %.0f lines/s, a loop over encoding/json %.0f lines/s", 1e6/counted[0], 1e6/counted[1])
	before := cpu()
	if err := shipTo(log, &counter{}); err != nil {
		return err
	}
	b.say("of CPU, a line takes %.2f us", (cpu()-before).Seconds()*1e6/shippedLines)
	b.beside("ship-json", "us", counted[0], counted[1], shipGoal)

	kafka, err := start("broker", filepath.Join(dir, "broker")+" 127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kafka.stop()) }()
	addr, err := kafka.line()
	if err != nil {
		return err
	}
	taking, err := start("intake", addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, taking.stop()) }()
	url, err := taking.line()
	if err != nil {
		return err
	}
	server, err := ship.NewServer(url, "", ship.Patience{GiveUp: time.Minute})
	if err != nil {
		return err
	}
	direct, err := ship.NewKafka([]string{addr}, instrument.Security{}, ship.Patience{GiveUp: time.Minute})
	if err != nil {
		return err
	}
	defer direct.Close()
	acknowledged := medians(perLine(func() error { return shipTo(log, server) }), perLine(func() error { return shipTo(log, direct) }))
	if failed != nil {
		return failed
	}
	b.say("to the acknowledgement of a collector and its broker, on the same machine: %.0f lines/s; straight to the broker %.0f lines/s", 1e6/acknowledged[0], 1e6/acknowledged[1])
	b.bounded("ship-json-acknowledged", "us", acknowledged[0], shipGoal)
	b.bounded("ship-json-kafka", "us", acknowledged[1], shipGoal)

	grown, err := start("ship without end", strconv.Itoa(10*shippedLines))
	if err != nil {
		return err
	}
	line, err := grown.line()
	if err := errors.Join(err, grown.stop()); err != nil {
		return err
	}
	var first, last float64
	if _, err := fmt.Sscan(line, &first, &last); err != nil {
		return err
	}
	b.say("memory of a process that ships: %.0f MB after a tenth of %d lines, %.0f MB after all", first, 10*shippedLines, last)
	b.bounded("ship-memory-growth", "MB", last-first, 8)
	return nil
}

// shipTo ships a whole file.
func shipTo(log string, to ship.Carrier) error {
	id, err := ship.ParseIDSource("json:ctx.request_id")
	if err != nil {
		return err
	}
	receipt, err := ship.Run(context.Background(), ship.Config{Files: []string{log}, IDs: []ship.Source{id}, Carrier: to})
	if err == nil && receipt.Shipped != shippedLines {
		err = fmt.Errorf("shipped %v", receipt)
	}
	return err
}

// counter is a carrier that only counts.
type counter struct{ each func() }

// Carry implements ship.Carrier.
func (c *counter) Carry(context.Context, *ship.Batch) (int, error) {
	if c.each != nil {
		c.each()
	}
	return 0, nil
}

// naiveShip is the loop that one would write: a line, a map, a record, its JSON.
func naiveShip(log string) error {
	f, err := os.Open(log)
	if err != nil {
		return err
	}
	defer f.Close()
	var body bytes.Buffer
	in := bufio.NewScanner(f)
	lines := 0
	for in.Scan() {
		var members map[string]any
		if err := json.Unmarshal(in.Bytes(), &members); err != nil {
			return err
		}
		text := func(key string) string { s, _ := members[key].(string); return s }
		t, err := time.Parse(time.RFC3339Nano, text("time"))
		if err != nil {
			return err
		}
		r := record.Record{Time: t, Level: strings.ToLower(text("level")), Message: text("msg"), Service: text("service"), Logger: text("logger"), ID: strconv.Itoa(lines)}
		for key, value := range members {
			switch key {
			case "time", "level", "msg", "service", "logger":
			case "ctx":
				ctx := value.(map[string]any)
				r.CorrelationID, _ = ctx["request_id"].(string)
			default:
				r.Labels = append(r.Labels, record.Label{Key: key, Value: fmt.Sprint(value)})
			}
		}
		body.Write(append(record.Append(nil, &r), '\n'))
		if body.Len() > 4<<20 {
			body.Reset()
		}
		lines++
	}
	return in.Err()
}

// chatter is a log without a file: lines of JSON of about 280 bytes.
type chatter struct {
	lines  int
	random *rand.Rand
	rest   []byte
	buf    []byte
	n      int
}

func newChatter(lines int) *chatter {
	return &chatter{lines: lines, random: rand.New(rand.NewPCG(1, 2))}
}

func (c *chatter) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		if c.n == c.lines {
			return 0, io.EOF
		}
		c.buf = fmt.Appendf(c.buf[:0], `{"time":"2026-11-20T%02d:%02d:%02d.%03dZ","level":%q,"msg":"took order and reserved stock in the warehouse","logger":"shop.orders","service":"orders","ctx":{"request_id":"req-%08x","user":"user%d"},"amount":%d,"currency":"EUR","attempt":1,"duration_ms":%.3f,"host":"host-%d"}`+"\n",
			c.n/41667%24, c.n/700%60, c.n/12%60, c.n%1000, []string{"INFO", "INFO", "WARN", "DEBUG"}[c.random.IntN(4)], c.n/8, c.random.IntN(10000), c.random.IntN(100000), c.random.Float64()*100, c.n%7)
		c.rest = c.buf
		c.n++
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// playIntake takes in records for a broker.
func playIntake(broker string) error {
	in, err := intake.New(intake.Config{Brokers: []string{broker}})
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: in.Records()}
	go server.Serve(ln)
	fmt.Printf("http://%s\n", ln.Addr())
	return errors.Join(untilStdinCloses(), server.Close(), in.Close())
}

// playShip ships many lines to nobody, and tells its memory in MB after a tenth of them and at their end.
func playShip(argument string) error {
	lines, err := strconv.Atoi(argument)
	if err != nil {
		return err
	}
	log := newChatter(lines)
	var first, last int64
	watch := &counter{each: func() {
		anonymous, _, err := resident()
		switch {
		case err != nil:
		case log.n < lines/10:
			first = max(first, anonymous)
		default:
			last = max(last, anonymous)
		}
	}}
	if _, err := ship.Run(context.Background(), ship.Config{Files: []string{"-"}, Stdin: bufio.NewReaderSize(log, 64<<10), Format: "json", Carrier: watch, InOrder: true}); err != nil {
		return err
	}
	fmt.Println(float64(first)/1e6, float64(last)/1e6)
	return untilStdinCloses()
}
