package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/query/live"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/filter"
)

// tailing is what a process with a tail says of itself.
type tailing struct {
	CPU    time.Duration
	Memory int64 // bytes in RAM
}

// playTail serves the tail of a broker, and tells of itself at each line it is given.
func playTail(addr string) error {
	kafka, err := collector.KafkaConfig(instrument.Security{})
	if err != nil {
		return err
	}
	f, err := live.New(live.Config{Brokers: []string{addr}, Kafka: kafka})
	if err != nil {
		return err
	}
	go f.Run(context.Background())
	for f.Ready() != nil {
		time.Sleep(10 * time.Millisecond)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		search, err := filter.Parse(r.URL.Query().Get("q"), time.Now())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s, err := f.Subscribe(live.Request{Filter: search.Records, Since: search.From})
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		defer s.Close()
		_ = s.Serve(w, r)
	})}
	go server.Serve(ln)
	fmt.Println(ln.Addr())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		anonymous, _, err := resident()
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(tailing{cpu(), anonymous}); err != nil {
			return err
		}
	}
	return errors.Join(f.Close(), server.Close())
}

// spectator is one client of a tail.
type spectator struct {
	body   *http.Response
	shown  uint64
	counts live.Receipt
}

// spectate begins to watch a tail.
func spectate(addr, query string) (*spectator, error) {
	small := func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(64 << 10) // so that who stalls is soon noticed
		}
		return conn, err
	}
	client := http.Client{Transport: &http.Transport{DialContext: small, DisableCompression: true}}
	res, err := client.Get("http://" + addr + "/?q=" + url.QueryEscape(query))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("the tail answers %s", res.Status), res.Body.Close())
	}
	return &spectator{body: res}, nil
}

// read reads until enough records matched. Each hears of every record.
func (s *spectator) read(enough uint64, each func(raw []byte)) error {
	in := bufio.NewScanner(s.body.Body)
	in.Buffer(make([]byte, 64<<10), 4<<20)
	isRecord := false
	for in.Scan() {
		line := in.Bytes()
		if event, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			isRecord = string(event) == "record"
		}
		data, ok := bytes.CutPrefix(line, []byte("data: "))
		switch {
		case !ok:
		case isRecord:
			s.shown++
			if each != nil {
				each(data)
			}
		default:
			if err := json.Unmarshal(data, &s.counts); err != nil {
				return err
			}
			if c := s.counts; c.Shown != s.shown || c.Shown+c.Skipped != c.Matched {
				return fmt.Errorf("%d records came, and the receipt is %+v", s.shown, c)
			}
			if s.counts.Matched >= enough {
				return s.body.Body.Close()
			}
		}
	}
	return fmt.Errorf("the tail ended at %+v of %d: %w", s.counts, enough, in.Err())
}

// tails measures how soon a record is seen, and what a crowd of clients takes.
func tails(b *board, dir string) error {
	kafka, err := start("broker", filepath.Join(dir, "tail-broker")+" 127.0.0.1:0")
	if err != nil {
		return err
	}
	addr, err := kafka.line()
	if err != nil {
		return errors.Join(err, kafka.stop())
	}
	err = soonSeen(b, addr)
	w := newWorkload(crowdSeconds * crowdRate)
	one, crowd := crowded{}, crowded{}
	if err == nil {
		one, err = gather(addr, w, 1, 0)
	}
	if err == nil {
		crowd, err = gather(addr, w, 100, 10)
	}
	if err == nil {
		b.say("tail of %d records/s, of which %d match: CPU %.2f s with one client, %.2f s with 100; %d skipped by 10 that stalled", crowdRate, one.matched, one.cpu.Seconds(), crowd.cpu.Seconds(), crowd.skipped)
		b.atMost("tail-crowd-cpu", "s", crowd.cpu.Seconds(), one.cpu.Seconds(), 1.5)
		b.bounded("tail-crowd-growth", "MB", crowd.grown, 16)
	}
	return errors.Join(err, kafka.stop())
}

// soonSeen measures from the log call to the client, at 5,000 records a second.
func soonSeen(b *board, addr string) error {
	const seconds, perTick = 15, 50
	tail, err := start("tail", addr)
	if err != nil {
		return err
	}
	at, err := tail.line()
	if err != nil {
		return errors.Join(err, tail.stop())
	}
	s, err := spectate(at, "service:seen")
	if err != nil {
		return errors.Join(err, tail.stop())
	}
	var took []time.Duration
	read := make(chan error, 1)
	go func() {
		read <- s.read(seconds*100*perTick, func(raw []byte) {
			if scanned, err := record.Scan(raw); err == nil {
				took = append(took, time.Since(scanned.Time))
			}
		})
	}()
	in, err := instrument.Start(context.Background(), instrument.Config{Service: "seen", Brokers: []string{addr}, Console: slog.DiscardHandler, Scoped: true})
	if err != nil {
		return errors.Join(err, tail.stop())
	}
	next := time.Now()
	for range seconds * 100 {
		for range perTick {
			in.Logger().Info("debited the account", "amount", 42)
		}
		next = next.Add(10 * time.Millisecond)
		time.Sleep(time.Until(next))
	}
	err = errors.Join(in.Shutdown(context.Background()), <-read, tail.stop())
	if err != nil {
		return err
	}
	slices.Sort(took)
	b.say("log call to tail, %d records: p50 %.0f ms, at most %.0f ms; %d skipped", len(took), ms(quantile(took, 0.5)), ms(took[len(took)-1]), s.counts.Skipped)
	b.bounded("tail-p99", "ms", ms(quantile(took, 0.99)), 100)
	return nil
}

const crowdSeconds, crowdRate = 15, 20_000

// crowded is what clients of a tail have taken.
type crowded struct {
	cpu              time.Duration
	grown            float64 // MB, after memory was full
	matched, skipped uint64
}

// gather has some clients watch while a workload is written, of which the first few stall until it has been.
func gather(addr string, w *workload, clients, stalled int) (c crowded, err error) {
	const query = "level:warn"
	search, err := filter.Parse(query, time.Now())
	if err != nil {
		return c, err
	}
	m := filter.NewMatcher(search.Records)
	for _, value := range w.values {
		if m.Match(value) {
			c.matched++
		}
	}
	time.Sleep(16 * time.Second) // a tail begins with what came a moment ago, which is none of this
	child, err := start("tail", addr)
	if err != nil {
		return c, err
	}
	k := &keeper{child: child}
	defer func() { err = errors.Join(err, k.stop()) }()
	at, err := k.line()
	if err != nil {
		return c, err
	}
	goOn, read := make(chan struct{}), make(chan error, clients)
	watching := make([]*spectator, clients)
	for i := range watching {
		s, err := spectate(at, query)
		if err != nil {
			return c, err
		}
		watching[i] = s
		go func() {
			if i < stalled {
				<-goOn
			}
			read <- s.read(c.matched, nil)
		}()
	}
	var first, full, last tailing
	if err := k.tell(&first, "look"); err != nil {
		return c, err
	}
	err = write(addr, w, crowdRate, func(second int) error {
		if second == crowdSeconds/2 {
			return k.tell(&full, "look")
		}
		return nil
	})
	close(goOn)
	for range clients {
		err = errors.Join(err, <-read)
	}
	if err == nil {
		err = k.tell(&last, "look")
	}
	for _, s := range watching {
		c.skipped += s.counts.Skipped
	}
	c.cpu, c.grown = last.CPU-first.CPU, float64(last.Memory-full.Memory)/1e6
	return c, err
}

// write puts a workload on the topic of records at an even pace, so many a second.
func write(addr string, w *workload, rate int, each func(second int) error) error {
	cfg, err := collector.KafkaConfig(instrument.Security{})
	if err != nil {
		return err
	}
	cfg.Producer.Compression = sarama.CompressionLZ4
	p, err := sarama.NewSyncProducer([]string{addr}, cfg)
	if err != nil {
		return err
	}
	defer p.Close()
	perTick := rate / 50
	next := time.Now()
	for from := 0; from < len(w.values); from += perTick {
		if from%rate == 0 {
			if err := each(from / rate); err != nil {
				return err
			}
			next = time.Now() // what that took is not made up for in a burst
		}
		var some []*sarama.ProducerMessage
		for i := from; i < min(from+perTick, len(w.values)); i++ {
			some = append(some, &sarama.ProducerMessage{Topic: record.TopicRecords, Key: sarama.StringEncoder(w.keys[i]), Value: sarama.ByteEncoder(w.values[i])})
		}
		if err := p.SendMessages(some); err != nil {
			return err
		}
		next = next.Add(20 * time.Millisecond)
		time.Sleep(time.Until(next))
	}
	return nil
}
