package screen

import (
	"bytes"
	"sync"
	"time"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/query/live"
)

// shownEvery is how often what came is shown, so that showing it costs the same however much that is.
const shownEvery = 50 * time.Millisecond

// batch is what has come since the last one.
type batch struct {
	records [][]byte
	over    int // records that came and were pushed out by later ones before anybody saw them
	receipt live.Receipt
	notice  string // empty: none
}

// feed gathers what comes.
type feed struct {
	mu    sync.Mutex
	batch batch
	bytes int
	came  bool
}

func (f *feed) watcher() client.Watcher {
	return client.Watcher{Event: func(e *live.Event) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.came = true
		switch {
		case e.Receipt != nil:
			f.batch.receipt = *e.Receipt
		case e.Gap != nil:
			f.batch.notice = "Kafka has dropped messages that nobody has read"
		default:
			f.add(bytes.Clone(e.Record))
		}
		return nil
	}, Pause: func() error { return nil }, Cut: func(err error, wait time.Duration) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.came = true
		f.batch.notice = err.Error() + "; trying again in " + wait.Round(100*time.Millisecond).String()
	}}
}

func (f *feed) add(raw []byte) {
	f.batch.records = append(f.batch.records, raw)
	f.bytes += len(raw)
	if len(f.batch.records) < 2*maxRecords && f.bytes < 2*maxBytes {
		return
	}
	half := max(len(f.batch.records)/2, 1) // what is left is as much as memory keeps, or less
	for _, old := range f.batch.records[:half] {
		f.bytes -= len(old)
	}
	f.batch.records = append([][]byte(nil), f.batch.records[half:]...)
	f.batch.over += half
}

// take is what has come, if anything has.
func (f *feed) take() (b batch, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok = f.batch, f.came
	f.batch, f.bytes, f.came = batch{receipt: f.batch.receipt}, 0, false
	return b, ok
}
