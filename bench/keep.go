package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
	"github.com/waybill-log/waybill/store/filter"
)

// keep is the embedded store in a process of its own. It does what the lines of
// its stdin say, and answers each in JSON:
//
//	drain N              read N records, which follow, a line each, and forget them
//	put N QUESTION…      store N records; after each batch say how many are stored.
//	                     Questions are asked meanwhile, one every 10 ms
//	ask QUESTION…        ask one after the other
//	scan FROM            look for what is nowhere, in the day that begins then
//	count
//	compact
//
// A question is kind=argument.
type keep struct {
	store *embedded.Store
	in    batches
}

// kept is an answer to put.
type kept struct {
	Records, Present int     // so far
	Asked            *timing // at the end
}

// timing says how long questions took.
type timing struct {
	N, Found      int
	P50, P99, Max time.Duration
}

// scanned is an answer to scan.
type scanned struct {
	Took    time.Duration
	Partial bool
	Read    int64 // records
}

// playKeep first says how long opening took.
func playKeep(dir string) (err error) {
	began := time.Now()
	s, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	k := keep{store: s, in: newBatches(os.Stdin)}
	if err := answer(time.Since(began)); err != nil {
		return err
	}
	for {
		line, err := k.in.in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := k.do(strings.Fields(line)); err != nil {
			return fmt.Errorf("%.100s: %w", line, err)
		}
	}
}

func answer(v any) error { return json.NewEncoder(os.Stdout).Encode(v) }

func (k *keep) do(words []string) error {
	switch ctx := context.Background(); words[0] {
	case "drain":
		return k.take(words[1], func([][]byte) (int, error) { return 0, nil }, nil)
	case "put":
		return k.take(words[1], func(raws [][]byte) (int, error) { return putAll(k.store, raws) }, words[2:])
	case "ask":
		out, err := k.ask(words[1:], func() bool { return true })
		return errors.Join(err, answer(out))
	case "scan":
		return k.scan(ctx, words[1])
	case "count":
		n, err := k.store.Count(ctx)
		return errors.Join(err, answer(n))
	case "compact":
		return errors.Join(k.store.Compact(ctx), answer(true))
	}
	return errors.New("no such command")
}

// take reads a batch while the one before is put, so that the store has always something to do.
func (k *keep) take(records string, put func([][]byte) (int, error), questions []string) error {
	n, err := strconv.Atoi(records)
	if err != nil {
		return err
	}
	type batch struct {
		raws [][]byte
		err  error
	}
	ahead := make(chan batch, 2)
	go func() {
		defer close(ahead)
		for range n / batchRecords {
			raws, err := k.in.next()
			ahead <- batch{raws, err}
		}
	}()
	var asking sync.WaitGroup
	var out kept
	var failed error
	done := make(chan struct{})
	if len(questions) > 0 {
		asking.Go(func() {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			var asked timing
			asked, failed = k.ask(questions, func() bool {
				select {
				case <-done:
					return false
				case <-tick.C:
					return true
				}
			})
			out.Asked = &asked
		})
	}
	for b := range ahead {
		if b.err != nil {
			return b.err
		}
		present, err := put(b.raws)
		if err != nil {
			return err
		}
		out.Records += len(b.raws)
		out.Present += present
		if out.Records == n {
			close(done)
		}
		if err := answer(kept{Records: out.Records, Present: out.Present}); err != nil {
			return err
		}
	}
	asking.Wait()
	return errors.Join(failed, answer(out))
}

// ask asks for as long as there are questions, and more says so.
func (k *keep) ask(questions []string, more func() bool) (out timing, err error) {
	var took []time.Duration
	for _, q := range questions {
		if !more() {
			break
		}
		kind, argument, _ := strings.Cut(q, "=")
		began := time.Now()
		found, err := k.question(kind, argument)
		if err != nil {
			return out, err
		}
		took = append(took, time.Since(began))
		out.N++
		if found > 0 {
			out.Found++
		}
	}
	if len(took) > 0 {
		slices.Sort(took)
		out.P50, out.P99, out.Max = quantile(took, 0.5), quantile(took, 0.99), took[len(took)-1]
	}
	return out, nil
}

// question says how much it found.
func (k *keep) question(kind, argument string) (found int, err error) {
	ctx := context.Background()
	search := func(f filter.Node) (int, error) {
		page, err := k.store.Search(ctx, store.Query{Filter: f, Limit: 50})
		return len(page.Entries), err
	}
	switch kind {
	case "id":
		entries, _, err := k.store.ByKey(ctx, argument, store.MaxLimit)
		return len(entries), err
	case "errors":
		return search(filter.And{filter.Term{Field: "service.name", Value: argument}, filter.Term{Field: "log.level", Value: "error"}})
	case "word":
		return search(filter.Phrase{Field: "message", Text: argument})
	case "journeys":
		journeys, err := k.store.Newest(ctx, 50)
		return len(journeys), err
	case "hour":
		from, err := time.Parse(time.RFC3339, argument)
		if err != nil {
			return 0, err
		}
		h, err := k.store.Histogram(ctx, store.Query{From: from, Until: from.Add(time.Hour)}, time.Minute)
		return len(h.Buckets), err
	}
	return 0, fmt.Errorf("no such question: %s", kind)
}

// scanBudget is how long a search may look for what is nowhere.
const scanBudget = time.Second

func (k *keep) scan(ctx context.Context, day string) error {
	from, err := time.Parse(time.RFC3339, day)
	if err != nil {
		return err
	}
	q := store.Query{Filter: filter.Contains{Field: "message", Text: "zzqqxxjj"}, From: from, Until: from.AddDate(0, 0, 1), Limit: 50, Budget: scanBudget}
	began := time.Now()
	page, err := k.store.Search(ctx, q)
	if err != nil {
		return err
	}
	out := scanned{Took: time.Since(began), Partial: page.Partial}
	seen := store.Query{From: q.From, Until: q.Until}
	if page.Partial {
		seen.From = page.Next.Time
	}
	h, err := k.store.Histogram(ctx, seen, time.Minute)
	for _, b := range h.Buckets {
		out.Read += b.Count
	}
	return errors.Join(err, answer(out))
}
