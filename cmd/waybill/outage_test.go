package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// gate lets connections through to a server, or lets nobody in.
type gate struct {
	t      *testing.T
	target string
	addr   string

	mu    sync.Mutex
	ln    net.Listener
	conns []net.Conn
}

func newGate(t *testing.T, target string) *gate {
	g := &gate{t: t, target: target, addr: "127.0.0.1:0"}
	g.open()
	t.Cleanup(g.shut)
	return g
}

func (g *gate) open() {
	ln, err := net.Listen("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	g.ln, g.addr = ln, ln.Addr().String()
	g.mu.Unlock()
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", g.target)
			if err != nil {
				in.Close()
				continue
			}
			g.mu.Lock()
			g.conns = append(g.conns, in, out)
			g.mu.Unlock()
			go func() { io.Copy(out, in); out.Close() }()
			go func() { io.Copy(in, out); in.Close() }()
		}
	}()
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ln.Close()
	for _, c := range g.conns {
		c.Close()
	}
	g.conns = nil
}

// resident is the memory of a process that is in RAM, in MiB.
func resident(t *testing.T, pid int) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	var kib float64
	for line := range strings.Lines(string(b)) {
		fmt.Sscanf(line, "VmRSS: %f kB", &kib)
	}
	return kib / 1024
}

// outage is how long Elasticsearch is away.
func outage() time.Duration {
	if os.Getenv("TORTURE") != "" {
		return 10 * time.Minute
	}
	return 6 * time.Second
}

// Elasticsearch is away while 2,000 records a second come in: the collector's
// memory stays what it was, and afterwards every record is there once.
func TestAnOutageOfElasticsearchLosesNothing(t *testing.T) {
	const perSecond = 2000
	brokers := testservers.Kafka(t)
	es, err := url.Parse(testservers.Elasticsearch(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(t, es.Host)
	c := waybill(t, "collect", "--collector-addr", "127.0.0.1:0", "--otlp-http-addr", "", "--otlp-grpc-addr", "", "--kafka-brokers", strings.Join(brokers, ","), "--kafka-group", "waybill-e2e", "--elasticsearch-urls", "http://"+g.addr)
	admin := c.says(t, `collector is running.* admin=(\S+)`)

	node := testservers.Name(t)
	client, err := collector.Connect(brokers, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	ctx, stop := context.WithCancel(t.Context())
	written := make(chan int, 1)
	go func() {
		n := 0
		for tick := time.NewTicker(time.Second / 10); ctx.Err() == nil; <-tick.C {
			var batch []*sarama.ProducerMessage
			for range perSecond / 10 {
				n++
				id := fmt.Sprintf("%s-%d", node, n%1000)
				batch = append(batch, &sarama.ProducerMessage{Topic: record.TopicRecords, Key: sarama.StringEncoder(id), Value: sarama.ByteEncoder(record.Append(nil, &record.Record{
					Time: time.Now(), Level: "info", Message: "a step of an order: " + strings.Repeat("x", 300), Service: "writer", Node: node, Sequence: uint64(n), CorrelationID: id,
				}))})
			}
			if err := producer.SendMessages(batch); err != nil {
				t.Error(err)
				break
			}
		}
		written <- n
	}()

	time.Sleep(3 * time.Second)
	before := resident(t, c.cmd.Process.Pid)
	g.shut()
	most := before
	for end := time.Now().Add(outage()); time.Now().Before(end); time.Sleep(time.Second) {
		most = max(most, resident(t, c.cmd.Process.Pid))
	}
	res, err := http.Get(admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz during the outage: %s", res.Status)
	}
	stop()
	want := <-written
	already := indexed(t, es, node)
	g.open()
	healed := time.Now()
	eventually(t, 10*time.Minute, func() string {
		if n := indexed(t, es, node); n < want {
			return fmt.Sprintf("%d of %d records", n, want)
		}
		return ""
	})
	took := time.Since(healed)
	if n := indexed(t, es, node); n != want {
		t.Errorf("%d records, want %d", n, want)
	}
	if limit := 1.5*before + 64; most > limit {
		t.Errorf("memory was %.0f MiB before and %.0f MiB during the outage", before, most)
	}
	t.Logf("%v away: %d records, each there once; memory %.0f MiB before, %.0f MiB at most; %d drained in %v, %.0f/s from the first connection on",
		outage(), want, before, most, want-already, took.Round(time.Second/10), float64(want-already)/took.Seconds())
}

// indexed counts the records of an instance past every part of ours.
func indexed(t *testing.T, es *url.URL, node string) int {
	t.Helper()
	if res, err := http.Post(es.String()+"/waybill-records-*/_refresh", "", nil); err == nil {
		res.Body.Close()
	}
	res, err := http.Get(es.String() + "/waybill-records-*/_count?q=service.node.name:%22" + url.QueryEscape(node) + "%22")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Count *int `json:"count"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Count == nil {
		t.Fatalf("count: %s %v", res.Status, err)
	}
	return *answer.Count
}
