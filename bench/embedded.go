package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	million  = 1_000_000
	large    = 10 * million // records the store is filled with
	small    = 250_000      // records that ours and peers store in turns
	oneBlow  = 65_000       // records that stay in one hot segment
	burst    = 500_000      // records that are stored while questions are asked
	broken   = 200_000      // records, of which half are stored when the store is killed
	asked    = 400          // questions of a kind
	restTime = 10 * time.Second
)

// VictoriaLogs, its release of July 2025, was measured beforehand on the machine
// the goals were set on: the same kind of records, 2 million, over HTTP.
var victoria = struct {
	cpu, disk                                float64 // a million records: s, MB
	id, errors, word, chinese, rare, unknown tail
	hour                                     tail
	journeys                                 float64 // ms
}{
	cpu: 11, disk: 25,
	id: tail{6.2, 10.6}, errors: tail{13.8, 23}, word: tail{39, 50}, chinese: tail{40, 45}, rare: tail{7.6, 12}, unknown: tail{1.0, 1.8},
	hour: tail{5, 8}, journeys: 786,
}

// spike is what a prototype of this store did: a SQLite file of rows with FTS5
// every six hours.
var spike = struct{ rare, unknown, busy float64 }{rare: 23.5, unknown: 2.7, busy: 3.9}

// tail is a median and the 99th percentile, in ms.
type tail struct{ p50, p99 float64 }

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

// embeddedArea measures the embedded store, in a process of its own: beside SQLite
// with a row for each record, and Bleve; one segment, hot and then sealed; ten million
// records, asked while more arrive and after, killed in the midst and opened again.
//
// Every batch of 1000 is synced before the next. CPU is that of the whole process,
// sealing in the background included, from a record's bytes on; what it costs to
// receive them through a pipe is measured alone and taken off. Memory is what is
// resident, the binary included: at most by the time all is stored, and at rest ten
// seconds after the killed store was opened. It takes some six minutes and a gigabyte of disk.
func embeddedArea(b *board) error {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := besidePeers(b, dir); err != nil {
		return fmt.Errorf("beside peers: %w", err)
	}
	if err := hotAlone(b, dir); err != nil {
		return fmt.Errorf("hot alone: %w", err)
	}
	return tenMillion(b, filepath.Join(dir, "large"))
}

// receiving is what it costs a keeper to receive a million records, in seconds.
func receiving(k *keeper, records []byte, n int) (float64, error) {
	before, err := k.spent()
	if err != nil {
		return 0, err
	}
	if _, err := k.give(n, whole(records), nil, "drain", n); err != nil {
		return 0, err
	}
	after, err := k.spent()
	return (after - before).Seconds() * million / float64(n), err
}

// whole writes what has been prepared.
func whole(records []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(records)
		return err
	}
}

// hotAlone tells what storing costs from what sealing costs, on one segment.
func hotAlone(b *board, dir string) error {
	s := supply{from: newParcels(1, parcelsPerDay)}
	records := s.prepare(oneBlow)
	once := func() (hot, sealing float64, err error) {
		data := filepath.Join(dir, "one")
		defer os.RemoveAll(data)
		k, err := startKeeper(data)
		if err != nil {
			return 0, 0, err
		}
		defer func() { err = errors.Join(err, k.stop()) }()
		receive, err := receiving(k, records, oneBlow)
		if err != nil {
			return 0, 0, err
		}
		began, err := k.spent()
		if err != nil {
			return 0, 0, err
		}
		if _, err := k.give(oneBlow, whole(records), nil, "put", oneBlow); err != nil {
			return 0, 0, err
		}
		stored, err := k.spent()
		if err != nil {
			return 0, 0, err
		}
		var ok bool
		if err := k.tell(&ok, "compact"); err != nil {
			return 0, 0, err
		}
		sealed, err := k.spent()
		const scale = million / float64(oneBlow)
		return (stored-began).Seconds()*scale - receive, (sealed - stored).Seconds() * scale, err
	}
	var hots, sealings []float64
	for range rounds {
		hot, sealing, err := once()
		if err != nil {
			return err
		}
		hots, sealings = append(hots, hot), append(sealings, sealing)
	}
	slices.Sort(hots)
	slices.Sort(sealings)
	b.say("one segment: %.1f s of CPU a million while it is hot, %.1f s to seal it", hots[rounds/2], sealings[rounds/2])
	b.beside("ingest-hot-cpu", "s", hots[rounds/2], victoria.cpu, 17)
	return nil
}
