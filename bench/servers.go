package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// servers are a real Kafka and a real Elasticsearch of this run's own, empty at
// its start. Unlike those that tests use, this Elasticsearch has its usual
// compilers and a heap of 1 GiB.
type servers struct {
	dir     string
	brokers string
	url     string
	pid     int // of Elasticsearch
}

// startServers starts those that are named, or both.
func startServers(names ...string) (*servers, error) {
	s := &servers{dir: filepath.Join(os.TempDir(), "waybill-bench-servers")}
	if err := s.stop(); err != nil { // what a run that was killed has left
		return nil, err
	}
	env, err := s.script("up", names...)
	if err != nil {
		return nil, err
	}
	var run string
	for line := range strings.Lines(env) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		switch name {
		case "WAYBILL_TESTSERVERS_RUN":
			run = value
		case "WAYBILL_KAFKA_BROKERS":
			s.brokers = value
		case "WAYBILL_ELASTICSEARCH_URLS":
			s.url = value
		}
	}
	if s.url == "" {
		return s, nil
	}
	pid, err := os.ReadFile(filepath.Join(run, "elasticsearch", "pid"))
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.pid, err = strconv.Atoi(strings.TrimSpace(string(pid)))
	return s, err
}

func (s *servers) stop() error {
	_, err := s.script("down")
	return err
}

func (s *servers) script(name string, arguments ...string) (stdout string, err error) {
	cmd := exec.Command(filepath.Join("infra", "testservers", name), arguments...)
	cmd.Env = append(os.Environ(), "WAYBILL_TESTSERVERS_DIR="+s.dir, "WAYBILL_TESTSERVERS_TTL=3600", "ES_JAVA_OPTS=-Xms1g -Xmx1g")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(cmd.Args, " "), err)
	}
	return string(out), nil
}

// fill puts a workload on the records topic, as instrument ships it.
func (s *servers) fill(w *workload) error {
	client, err := collector.Connect([]string{s.brokers}, instrument.Security{})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := collector.EnsureTopics(client, collector.DefaultPartitions); err != nil {
		return err
	}
	cfg := *client.Config()
	cfg.Producer.Compression = sarama.CompressionLZ4
	cfg.Producer.Flush.Messages, cfg.Producer.Flush.MaxMessages, cfg.Producer.Flush.Frequency = 1000, 1000, 100*time.Millisecond
	p, err := sarama.NewSyncProducer([]string{s.brokers}, &cfg)
	if err != nil {
		return err
	}
	defer p.Close()
	const batch = 20_000
	for from := 0; from < len(w.values); from += batch {
		var messages []*sarama.ProducerMessage
		for i := from; i < min(from+batch, len(w.values)); i++ {
			messages = append(messages, &sarama.ProducerMessage{Topic: record.TopicRecords, Key: sarama.StringEncoder(w.keys[i]), Value: sarama.ByteEncoder(w.values[i])})
		}
		if err := p.SendMessages(messages); err != nil {
			return err
		}
	}
	return nil
}

// do asks Elasticsearch; a status that is not 2xx is an error.
func (s *servers) do(method, path string, body []byte, answer any) error {
	req, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %.500s", method, path, res.Status, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

func (s *servers) remove(index string) error {
	return s.do("DELETE", "/"+index+"?ignore_unavailable=true", nil, nil)
}

// stats are what Elasticsearch says of an index.
type stats struct {
	Indexing struct {
		Total int64 `json:"index_total"`
	} `json:"indexing"`
	Merges struct {
		Current int `json:"current"`
	} `json:"merges"`
	Docs struct {
		Count int64 `json:"count"`
	} `json:"docs"`
	Store struct {
		Bytes int64 `json:"size_in_bytes"`
	} `json:"store"`
}

func (s *servers) stats(index, metrics string) (stats, error) {
	var answer struct {
		All struct {
			Primaries stats `json:"primaries"`
		} `json:"_all"`
	}
	err := s.do("GET", "/"+index+"/_stats/"+metrics+"?ignore_unavailable=true&level=cluster", nil, &answer)
	return answer.All.Primaries, err
}

// indexed is how many documents an index has taken; 0 while there is none.
func (s *servers) indexed(index string) (int64, error) {
	st, err := s.stats(index, "indexing")
	return st.Indexing.Total, err
}

// settle waits until all is on disk and no merge is under way.
func (s *servers) settle(index string) error {
	if err := s.do("POST", "/"+index+"/_flush", nil, nil); err != nil {
		return err
	}
	for {
		st, err := s.stats(index, "merge")
		if err != nil || st.Merges.Current == 0 {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// names are the indices that match a pattern.
func (s *servers) names(pattern string) (names []string, err error) {
	var all []struct {
		Index string `json:"index"`
	}
	err = s.do("GET", "/_cat/indices/"+pattern+"?format=json&h=index", nil, &all)
	for _, each := range all {
		names = append(names, each.Index)
	}
	return names, err
}

// disk merges an index into one segment, and says what that takes. It holds documents, or
// any number of them where that is 0.
func (s *servers) disk(index string, documents int64) (bytes int64, err error) {
	if err := s.do("POST", "/"+index+"/_forcemerge?max_num_segments=1", nil, nil); err != nil {
		return 0, err
	}
	st, err := s.stats(index, "docs,store")
	if err == nil && documents > 0 && st.Docs.Count != documents {
		err = fmt.Errorf("%s holds %d documents, want %d", index, st.Docs.Count, documents)
	}
	return st.Store.Bytes, err
}

// cpu is what Elasticsearch has used.
func (s *servers) cpu() (time.Duration, error) { return processCPU(s.pid) }
