package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"time"

	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/api"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/elastic"
)

const dailyRecords, days = 2_000_000, 30

// daily measures journeys out of a real Elasticsearch with an index for each of 30 days, asked
// for by ID alone, beside a term query that is told the one right index.
func daily(b *board) (err error) {
	records, err := queryRecords(dailyRecords)
	if err != nil {
		return err
	}
	s, err := startServers()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	st, err := elastic.Open(context.Background(), elastic.Config{URLs: []string{s.url}, Wait: time.Minute})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	made := newParcels(1, records/days)
	count, indices := map[string]int{}, map[string]map[string]bool{}
	for range records / batchRecords {
		raws := make([][]byte, 0, batchRecords)
		for range batchRecords {
			raw, key := made.next()
			scanned, err := record.Scan(raw)
			if err != nil {
				return err
			}
			raws = append(raws, raw)
			count[key]++
			if indices[key] == nil {
				indices[key] = map[string]bool{}
			}
			indices[key]["waybill-records-"+scanned.Time.Format("2006.01.02")] = true
		}
		if _, err := putAll(st, raws); err != nil {
			return err
		}
	}
	if err := s.do("POST", "/waybill-*/_refresh", nil, nil); err != nil {
		return err
	}
	if err := s.settle("waybill-records-*"); err != nil {
		return err
	}
	names, err := s.names("waybill-records-*")
	if err != nil {
		return err
	}
	keys := slices.DeleteFunc(ofFifty(count), func(key string) bool { return len(indices[key]) > 1 })
	h, err := api.New(api.Config{Desk: query.New(query.Config{Store: st})})
	if err != nil {
		return err
	}
	server := httptest.NewServer(h)
	defer server.Close()

	random := rand.New(rand.NewPCG(1, 2))
	var ours, theirs []time.Duration
	for n := range asked + 100 {
		key := keys[random.IntN(len(keys))]
		var index string
		for index = range indices[key] {
		}
		whole, err := askHTTP(server.URL, 1, func() string { return "/api/v1/journeys/" + key })
		if err != nil {
			return err
		}
		var found struct {
			Hits struct {
				Hits []struct {
					ID string `json:"_id"`
				} `json:"hits"`
			} `json:"hits"`
		}
		began := time.Now()
		body := fmt.Sprintf(`{"size":1000,"query":{"term":{"correlation.key":%q}},"sort":[{"@timestamp":"asc"}]}`, key)
		if err := s.do("POST", "/"+index+"/_search", []byte(body), &found); err != nil {
			return err
		}
		took := time.Since(began)
		if len(found.Hits.Hits) != count[key] {
			return fmt.Errorf("%s has %d records of %s, want %d", index, len(found.Hits.Hits), key, count[key])
		}
		if n >= 100 { // warm
			ours, theirs = append(ours, whole.P50), append(theirs, took)
		}
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.say("%d records in %d indices, journeys of about 50 records: p50 %.1f ms, a term query on the right index %.1f ms; p99 %.1f and %.1f ms",
		records, len(names), ms(quantile(ours, 0.5)), ms(quantile(theirs, 0.5)), ms(quantile(ours, 0.99)), ms(quantile(theirs, 0.99)))
	b.bounded("elasticsearch-journey-p99", "ms", ms(quantile(ours, 0.99)), 40)
	b.atMost("elasticsearch-journey-p50", "ms", ms(quantile(ours, 0.5)), ms(quantile(theirs, 0.5)), 1.5)
	return nil
}
