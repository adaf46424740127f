package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/record"
)

// What cannot be stored is listed, shown and replayed over the API, and lag is told.
func TestTheAPIReplaysDeadLetters(t *testing.T) {
	p := waybill(t, append([]string{"up"}, loopback(t)...)...)
	server := p.says(t, `query is running.* url=(\S+)`)
	kafka := p.says(t, `collector is running.* brokers=\[(\S+)\]`)
	do := func(method, path string, status int, out any) {
		t.Helper()
		req, err := http.NewRequest(method, server+"/api/v1"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != status {
			t.Fatalf("%s %s: %d, want %d: %v %s", method, path, res.StatusCode, status, err, body)
		}
		if out != nil {
			if err := json.Unmarshal(body, out); err != nil {
				t.Fatal(err)
			}
		}
	}
	client, err := collector.Connect([]string{kafka}, instrument.Security{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	producer, err := sarama.NewSyncProducerFromClient(client)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	poison := "\xff\x00 not a record " + strings.Repeat("x", query.MaxLetterBytes)
	if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: record.TopicRecords, Key: sarama.StringEncoder("order-7"), Value: sarama.StringEncoder(poison)}); err != nil {
		t.Fatal(err)
	}
	listed := func(n int) (letters query.Letters) {
		t.Helper()
		eventually(t, time.Minute, func() string {
			if do(http.MethodGet, "/deadletters", 200, &letters); len(letters.Letters) != n {
				return fmt.Sprintf("%d letters, not %d", len(letters.Letters), n)
			}
			return ""
		})
		return letters
	}
	id := listed(1).Letters[0].ID
	var l query.WholeLetter
	do(http.MethodGet, "/deadletters/"+id, 200, &l)
	if string(l.Data) != poison[:query.MaxLetterBytes] || !l.Cut || l.Text != nil || l.Key != "order-7" || l.Bytes != len(poison) || l.NoReplay != "" || l.Topic != record.TopicRecords {
		t.Errorf("%.200q…, cut %v, text %v, key %q, %d bytes, %q", l.Data, l.Cut, l.Text, l.Key, l.Bytes, l.NoReplay)
	}
	do(http.MethodGet, "/deadletters/0/999", 404, nil)
	do(http.MethodGet, "/deadletters/999/0", 404, nil)
	var replayed query.Replayed
	if do(http.MethodPost, "/deadletters/"+id+"/replay", 200, &replayed); replayed.ID != id || replayed.Topic != record.TopicRecords {
		t.Errorf("%+v", replayed)
	}
	listed(2) // it is no record now either

	var lags query.Lags
	eventually(t, time.Minute, func() string {
		do(http.MethodGet, "/lag", 200, &lags)
		stored := int64(0)
		for _, lag := range lags.Lags {
			if lag.Own && lag.Topic == record.TopicRecords && *lag.Lag == 0 {
				stored += *lag.Committed
			}
		}
		if stored != 2 || lags.Behind == nil {
			return fmt.Sprintf("%+v", lags)
		}
		return ""
	})
}
