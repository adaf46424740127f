package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/infra/elasticsearch"
)

const (
	collected = 500_000 // records that each run takes from Kafka
	turns     = 3       // runs of each side
	warmUps   = 2       // of Elasticsearch
)

// figures are those of one run, CPU and disk for a million records.
type figures struct {
	cpu     float64 // of the collector, in seconds
	peak    float64 // its memory, in MB
	rate    float64 // records a second
	elastic float64 // CPU of Elasticsearch, in seconds
	disk    float64 // in MB
}

func (f figures) String() string {
	text := fmt.Sprintf("%.0f records/s", f.rate)
	if f.cpu > 0 {
		text += fmt.Sprintf(", collector %.2f s of CPU and %.0f MB of memory", f.cpu, f.peak)
	}
	if f.elastic > 0 {
		text += fmt.Sprintf(", Elasticsearch %.1f s of CPU and %.0f MB of disk", f.elastic, f.disk)
	}
	return text
}

// middle is the median of one figure of several runs.
func middle(runs []figures, of func(figures) float64) float64 {
	var all []float64
	for _, r := range runs {
		all = append(all, of(r))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func perMillion(v float64) float64 { return v * 1e6 / collected }

// collectorArea measures what takes records from Kafka, ours and the peer, first
// into a sink, then into Elasticsearch.
//
// The work counted is each process's own, from its start to its end; Kafka's is
// not counted. Elasticsearch's is counted until all is flushed and no merge is under
// way. Disk is what is left when all is merged into one segment, work that is not counted.
func collectorArea(b *board) error {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours := &side{name: "waybill", dir: dir, path: filepath.Join(dir, "waybill"), arguments: collectArguments, index: "waybill-records-2026.11.23"}
	if err := build(ours.path, ".", "./cmd/waybill"); err != nil {
		return err
	}
	b.say("building the OpenTelemetry Collector, which takes minutes the first time")
	peer := &side{name: "OpenTelemetry Collector", dir: dir, path: filepath.Join(dir, "otelcollector"), arguments: peerArguments, index: "plain"}
	if err := build(peer.path, filepath.Join("bench", "otelcollector"), "."); err != nil {
		b.say("no peer: %v", err)
		peer = nil
	}
	s, err := startServers()
	if err != nil {
		return err
	}
	defer s.stop()
	w := newWorkload(collected)
	b.say("%d records of %d B on average", collected, w.bytes/collected)
	if err := s.fill(w); err != nil {
		return fmt.Errorf("fill Kafka: %w", err)
	}
	return errors.Join(intoSink(b, s, ours, peer), intoElasticsearch(b, s, w, ours, peer))
}

// side is one of the collectors that are compared.
type side struct {
	name      string
	dir, path string
	arguments func(dir, brokers, group, url string) ([]string, error)
	index     string // where its records go
	runs      int
}

func collectArguments(_, brokers, group, url string) ([]string, error) {
	return []string{"collect", "--kafka-brokers", brokers, "--kafka-group", group, "--elasticsearch-urls", url, "--collector-addr", "127.0.0.1:0", "--otlp-http-addr", "127.0.0.1:0", "--otlp-grpc-addr", "127.0.0.1:0"}, nil
}

// collect runs it until taken says that all records are where they shall be.
func (c *side) collect(brokers, url string, taken func() (int64, error)) (f figures, err error) {
	c.runs++
	arguments, err := c.arguments(c.dir, brokers, fmt.Sprintf("bench-%s-%d", filepath.Base(c.path), c.runs), url)
	if err != nil {
		return f, err
	}
	p, err := run(c.dir, c.path, arguments...)
	if err != nil {
		return f, err
	}
	rate, err := watch(func() (int64, error) {
		if err := p.alive(); err != nil {
			return 0, err
		}
		return taken()
	})
	if err != nil {
		_, stopped := p.stop()
		return f, errors.Join(p.failed(err), stopped)
	}
	peak, err := p.peak()
	if err != nil {
		return f, err
	}
	spent, err := p.stop()
	return figures{cpu: perMillion(spent.Seconds()), peak: float64(peak) / 1e6, rate: rate}, err
}

// watch waits until all records are taken. The rate is that of the middle nine
// tenths, without start and end.
func watch(taken func() (int64, error)) (rate float64, err error) {
	var first, last struct {
		n  int64
		at time.Time
	}
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		n, err := taken()
		if err != nil {
			return 0, err
		}
		now := time.Now()
		if first.n == 0 && n >= collected/20 {
			first.n, first.at = n, now
		}
		if last.n == 0 && n >= collected-collected/20 {
			last.n, last.at = n, now
		}
		if n >= collected {
			return float64(last.n-first.n) / last.at.Sub(first.at).Seconds(), nil
		}
		if now.After(deadline) {
			return 0, fmt.Errorf("only %d of %d records within 5 minutes", n, collected)
		}
	}
}

func intoSink(b *board, s *servers, ours, peer *side) error {
	into := func(c *side) (f figures, err error) {
		sink, err := start("sink", "")
		if err != nil {
			return f, err
		}
		defer sink.stop()
		addr, err := sink.line()
		if err != nil {
			return f, err
		}
		f, err = c.collect(s.brokers, "http://"+addr, func() (int64, error) {
			res, err := http.Get("http://" + addr + "/taken")
			if err != nil {
				return 0, err
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			if err != nil {
				return 0, err
			}
			return strconv.ParseInt(string(text), 10, 64)
		})
		b.say("Kafka to a sink, %s: %v", c.name, f)
		return f, err
	}
	var mine, theirs []figures
	for range turns {
		f, err := into(ours)
		if err != nil {
			return err
		}
		mine = append(mine, f)
		if peer == nil {
			continue
		}
		if f, err = into(peer); err != nil {
			return err
		}
		theirs = append(theirs, f)
	}
	cpu := func(f figures) float64 { return f.cpu }
	if peer == nil {
		b.unmeasured("cpu", "s", middle(mine, cpu), "<=0.10x")
	} else {
		b.atMost("cpu", "s", middle(mine, cpu), middle(theirs, cpu), 0.10)
	}
	b.bounded("memory", "MB", middle(mine, func(f figures) float64 { return f.peak }), 200)
	return nil
}

// intoElasticsearch compares whole stacks, and what Elasticsearch does with
// prebuilt requests: the same records under our mapping and under a plain one.
func intoElasticsearch(b *board, s *servers, w *workload, ours, peer *side) error {
	lean, plain, err := mappings()
	if err != nil {
		return err
	}
	// costs adds what Elasticsearch spends on an index while do fills it.
	costs := func(name, index string, mapping []byte, do func() (figures, error)) (f figures, err error) {
		if err := s.remove(index); err != nil {
			return f, err
		}
		if mapping != nil {
			if err := s.do("PUT", "/"+index, mapping, nil); err != nil {
				return f, err
			}
		}
		before, err := s.cpu()
		if err != nil {
			return f, err
		}
		if f, err = do(); err != nil {
			return f, err
		}
		if err := s.settle(index); err != nil {
			return f, err
		}
		after, err := s.cpu()
		if err != nil {
			return f, err
		}
		disk, err := s.disk(index, collected)
		if err != nil {
			return f, err
		}
		summaries, err := s.names("waybill-journeys-*")
		if err != nil {
			return f, err
		}
		for _, name := range summaries {
			more, err := s.disk(name, 0)
			if err = errors.Join(err, s.remove(name)); err != nil {
				return f, err
			}
			disk += more
		}
		f.elastic, f.disk = perMillion((after - before).Seconds()), perMillion(float64(disk)/1e6)
		b.say("%s: %v", name, f)
		return f, s.remove(index)
	}
	replayed := func(name, index string, mapping []byte) func() (figures, error) {
		return func() (figures, error) {
			return costs(name, index, mapping, func() (figures, error) { return replay(s, index, w) })
		}
	}
	collects := func(c *side, mapping []byte) func() (figures, error) {
		return func() (figures, error) {
			return costs("Kafka to Elasticsearch, "+c.name, c.index, mapping, func() (figures, error) {
				return c.collect(s.brokers, s.url, func() (int64, error) { return s.indexed(c.index) })
			})
		}
	}
	for range warmUps { // Java compiles what has run for a while
		if _, err := replayed("warming up", "plain", plain)(); err != nil {
			return err
		}
	}
	ways := []func() (figures, error){collects(ours, nil), replayed("replay, our mapping", "lean", lean), replayed("replay, plain mapping", "plain", plain)}
	if peer != nil {
		ways = append(ways, collects(peer, plain))
	}
	runs := make([][]figures, len(ways)+1)
	for range turns {
		for i, way := range ways {
			f, err := way()
			if err != nil {
				return err
			}
			runs[i] = append(runs[i], f)
		}
	}
	cpu := func(f figures) float64 { return f.cpu + f.elastic }
	disk := func(f figures) float64 { return f.disk }
	rate := func(f figures) float64 { return f.rate }
	if peer == nil {
		b.unmeasured("stack-cpu", "s", middle(runs[0], cpu), "<=0.50x")
		b.unmeasured("stack-disk", "MB", middle(runs[0], disk), "<=0.60x")
	} else {
		b.atMost("stack-cpu", "s", middle(runs[0], cpu), middle(runs[3], cpu), 0.5)
		b.atMost("stack-disk", "MB", middle(runs[0], disk), middle(runs[3], disk), 0.6)
	}
	b.atLeast("throughput", "/s", middle(runs[0], rate), middle(runs[1], rate), 0.95)
	b.atMost("es-cpu", "s", middle(runs[1], cpu), middle(runs[2], cpu), 0.7)
	b.atMost("es-disk", "MB", middle(runs[1], disk), middle(runs[2], disk), 0.55)
	return nil
}

// mappings are bodies that create an index: ours, and one with the same fields
// as Elasticsearch has them when nothing more is said. The refresh interval is
// the same.
func mappings() (lean, plain []byte, err error) {
	type field = map[string]any
	var ours struct {
		Template struct {
			Settings field `json:"settings"`
			Mappings struct {
				Dynamic    bool             `json:"dynamic"`
				Subobjects bool             `json:"subobjects"`
				Properties map[string]field `json:"properties"`
			} `json:"mappings"`
		} `json:"template"`
	}
	if err := json.Unmarshal([]byte(elasticsearch.Records), &ours); err != nil {
		return nil, nil, err
	}
	t := ours.Template
	if lean, err = json.Marshal(t); err != nil {
		return nil, nil, err
	}
	fields := map[string]field{}
	for name, f := range t.Mappings.Properties {
		fields[name] = field{"type": f["type"]}
	}
	plain, err = json.Marshal(field{
		"settings": field{"index.number_of_replicas": 0, "index.refresh_interval": t.Settings["index.refresh_interval"]},
		"mappings": field{"dynamic": false, "properties": fields},
	})
	return lean, plain, err
}

// peerArguments writes the peer's configuration. Its requests are not compressed,
// as ours are not: gzip, its default, costs it and Elasticsearch a tenth more. Its
// documents have no IDs of their own, so what comes twice is there twice.
func peerArguments(dir, brokers, group, url string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join("bench", "otelcollector", "config.yaml"))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "otelcollector.yaml")
	filled := strings.NewReplacer("@BROKERS@", brokers, "@GROUP@", group, "@URL@", url).Replace(string(text))
	return []string{path}, os.WriteFile(path, []byte(filled), 0o600)
}
