package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/api"
	"github.com/waybill-log/waybill/store/embedded"
)

// queryRecordsEnv is how many records stores are filled with at most.
const queryRecordsEnv = "WAYBILL_BENCH_QUERY_RECORDS"

// queryArea measures answers over HTTP, and the tail.
func queryArea(b *board) error {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return errors.Join(answers(b, filepath.Join(dir, "store")), tails(b, dir), soonTracked(b, dir), daily(b))
}

// answers measures those of the embedded store in this process: journeys of about 50 records by
// their ID, and searches with nothing else to do and while 10,000 records a second arrive.
func answers(b *board, dir string) (err error) {
	records, err := queryRecords(large)
	if err != nil {
		return err
	}
	st, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	made := newParcels(1, parcelsPerDay)
	count := map[string]int{} // of records, by key
	put := func(n int) error {
		raws := make([][]byte, 0, n)
		for range n {
			raw, key := made.next()
			raws = append(raws, raw)
			count[key]++
		}
		_, err := putAll(st, raws)
		return err
	}
	for range records / batchRecords {
		if err := put(batchRecords); err != nil {
			return err
		}
	}
	if err := st.Compact(context.Background()); err != nil {
		return err
	}
	var paths []string
	for _, key := range ofFifty(count) {
		paths = append(paths, "/api/v1/journeys/"+key)
	}
	h, err := api.New(api.Config{Desk: query.New(query.Config{Store: st})})
	if err != nil {
		return err
	}
	server := httptest.NewServer(h)
	defer server.Close()
	random := rand.New(rand.NewPCG(1, 2))
	journeys, err := askHTTP(server.URL, asked, func() string { return paths[random.IntN(len(paths))] })
	if err != nil {
		return err
	}
	b.say("%d records, %d journeys to ask for", records, len(paths))
	b.bounded("journey-p50", "ms", ms(journeys.P50), 3)
	b.bounded("journey-p99", "ms", ms(journeys.P99), 10)

	search := func() string {
		return "/api/v1/records?limit=50&q=level:error+service:" + parcelServices[random.IntN(len(parcelServices))]
	}
	idle, err := askHTTP(server.URL, asked, search)
	if err != nil {
		return err
	}
	busy, err := whileArriving(put, func() (timing, error) { return askHTTP(server.URL, asked, search) })
	if err != nil {
		return err
	}
	b.atMost("search-p99-while-10k-arrive", "ms", ms(busy.P99), ms(idle.P99), 2)
	return nil
}

// queryRecords is how many records to fill a store with.
func queryRecords(usual int) (int, error) {
	text := os.Getenv(queryRecordsEnv)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < batchRecords {
		return 0, fmt.Errorf("%s=%q: want a number of records, %d at least", queryRecordsEnv, text, batchRecords)
	}
	return min(n, usual), nil
}

// ofFifty are the keys of about 50 records, or those that have the most.
func ofFifty(count map[string]int) (keys []string) {
	for least := 45; len(keys) == 0 && least > 0; least -= 5 {
		for key, n := range count {
			if n >= least && n <= 55 {
				keys = append(keys, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// whileArriving asks while 10,000 records a second are put.
func whileArriving(put func(int) error, ask func() (timing, error)) (out timing, err error) {
	const every = 50 * time.Millisecond
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err := put(int(10_000 * every / time.Second)); err != nil {
					ended <- err
					return
				}
			case <-stop:
				ended <- nil
				return
			}
		}
	}()
	out, err = ask()
	close(stop)
	return out, errors.Join(err, <-ended)
}

// askHTTP times n requests, one after the other over one connection.
func askHTTP(server string, n int, path func() string) (out timing, err error) {
	took := make([]time.Duration, 0, n)
	for range n {
		url := server + path()
		began := time.Now()
		res, err := http.Get(url)
		if err != nil {
			return out, err
		}
		size, err := io.Copy(io.Discard, res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			return out, err
		}
		if res.StatusCode != http.StatusOK || size == 0 {
			return out, fmt.Errorf("%s: %s", url, res.Status)
		}
		took = append(took, time.Since(began))
		out.N++
	}
	slices.Sort(took)
	out.P50, out.P99, out.Max = quantile(took, 0.5), quantile(took, 0.99), took[len(took)-1]
	return out, nil
}
