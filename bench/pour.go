package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/embedded"
)

// batchRecords is how many records are stored at a time; each batch is on disk
// before the next.
const batchRecords = 1000

// batches reads records, a line each.
type batches struct{ in *bufio.Reader }

func newBatches(in io.Reader) batches { return batches{bufio.NewReaderSize(in, 1<<20)} }

// next returns the next batch, in memory of its own; io.EOF where none is left.
func (b batches) next() ([][]byte, error) {
	all := make([]byte, 0, batchRecords*640)
	var ends []int
	var err error
	for len(ends) < batchRecords {
		var line []byte
		if line, err = b.in.ReadSlice('\n'); err != nil {
			break
		}
		all = append(all, line[:len(line)-1]...)
		ends = append(ends, len(all))
	}
	if err != nil && (len(ends) == 0 || !errors.Is(err, io.EOF)) {
		return nil, err
	}
	raws, from := make([][]byte, len(ends)), 0
	for i, end := range ends {
		raws[i] = all[from:end:end]
		from = end
	}
	return raws, nil
}

// each gives all batches to put.
func (b batches) each(put func([][]byte) error) error {
	for {
		raws, err := b.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = put(raws)
		}
		if err != nil {
			return err
		}
	}
}

// putAll stores records that are all to be taken, and says how many were there before.
func putAll(s store.Writer, raws [][]byte) (present int, err error) {
	entries := make([]store.Entry, len(raws))
	for i, raw := range raws {
		if entries[i], err = store.NewEntry(raw); err != nil {
			return 0, err
		}
	}
	res, err := s.Put(context.Background(), entries)
	if err == nil && len(res.Rejected) > 0 {
		err = fmt.Errorf("%d records rejected: %s", len(res.Rejected), res.Rejected[0].Reason)
	}
	return res.Present, err
}

// pourEmbedded brings its stdin into our store, and ends when all of it is sealed.
func pourEmbedded(dir string) error {
	s, err := embedded.Open(embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	err = newBatches(os.Stdin).each(func(raws [][]byte) error {
		_, err := putAll(s, raws)
		return err
	})
	if err == nil {
		err = s.Compact(context.Background())
	}
	return errors.Join(err, s.Close())
}

// pourNothing is what all others do as well: start, and read.
func pourNothing() error {
	return newBatches(os.Stdin).each(func([][]byte) error { return nil })
}

// pour runs a program that stores what it is given, and says what it spent in
// its whole life.
func pour(cmd *exec.Cmd, records []byte) (spent, took time.Duration, err error) {
	cmd.Stdin, cmd.Stderr = bytes.NewReader(records), os.Stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, 0, fmt.Errorf("pour %d bytes: %w", len(records), err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), time.Since(began), nil
}

// besidePeers compares whole processes that store the same records, each in turn.
func besidePeers(b *board, dir string) error {
	bleve := filepath.Join(dir, "bleve")
	b.say("building Bleve, which takes a minute the first time")
	if err := build(bleve, filepath.Join("bench", "bleve"), "."); err != nil {
		b.say("no Bleve: %v", err)
		bleve = ""
	}
	s := supply{from: newParcels(1, parcelsPerDay)}
	records := s.prepare(small)
	perMillion := func(v float64) float64 { return v * million / small }
	b.say("%d records are %.0f MB a million", small, perMillion(float64(s.bytes)/1e6))

	role := func(name string) func(string) (*exec.Cmd, error) {
		return func(out string) (*exec.Cmd, error) { return inRole("pour into "+name, out) }
	}
	type peer struct {
		name    string
		command func(out string) (*exec.Cmd, error)
		runs    []figures
	}
	peers := []*peer{{name: "nothing", command: role("nothing")}, {name: "embedded", command: role("embedded")}, {name: "sqlite", command: role("sqlite")}}
	if bleve != "" {
		peers = append(peers, &peer{name: "bleve", command: func(out string) (*exec.Cmd, error) { return exec.Command(bleve, out), nil }})
	}
	for range turns {
		for _, p := range peers {
			f, err := pourOnce(filepath.Join(dir, p.name+"-data"), p.command, records)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			f = figures{cpu: perMillion(f.cpu), disk: perMillion(f.disk), rate: f.rate}
			b.say("%s: %.1f s of CPU and %.0f MB a million, %.0f records/s", p.name, f.cpu, f.disk, f.rate)
			p.runs = append(p.runs, f)
		}
	}
	cpu := func(f figures) float64 { return f.cpu }
	disk := func(f figures) float64 { return f.disk }
	nothing, ours := middle(peers[0].runs, cpu), peers[1].runs
	for _, p := range peers[2:] {
		b.beside("small-cpu-"+p.name, "s", middle(ours, cpu)-nothing, middle(p.runs, cpu)-nothing, 17)
		b.beside("small-disk-"+p.name, "MB", middle(ours, disk), middle(p.runs, disk), 70)
	}
	if bleve == "" {
		b.unmeasured("small-cpu-bleve", "s", middle(ours, cpu)-nothing, "<=17s")
		b.unmeasured("small-disk-bleve", "MB", middle(ours, disk), "<=70MB")
	}
	return nil
}

func pourOnce(out string, command func(string) (*exec.Cmd, error), records []byte) (f figures, err error) {
	defer os.RemoveAll(out)
	cmd, err := command(out)
	if err != nil {
		return f, err
	}
	spent, took, err := pour(cmd, records)
	if err != nil {
		return f, err
	}
	bytes, err := size(out)
	if errors.Is(err, os.ErrNotExist) {
		err = nil // nothing keeps nothing
	}
	return figures{cpu: spent.Seconds(), disk: float64(bytes) / 1e6, rate: small / took.Seconds()}, err
}
