package ship

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// run is one call of Run.
type run struct {
	cfg        Config
	receipt    Receipt
	batch      *Batch
	aliases    *lru.Cache[string, struct{}]
	dispatcher *dispatcher
	reading    context.Context
	carrying   context.Context
	bytes, all int64 // of files: read, and of those to be
	told       time.Time
}

// grace is how long what is under way may still take once the context has ended.
const grace = 3 * time.Second

// maxAliases bounds how many aliases are known to be written.
const maxAliases = 100_000

// Run ships until the files end, or with Follow until ctx does. Its error is ctx's where that
// has ended it, the carrier's where that has given up, or says that positions are not saved. The receipt is right
// in any case.
func Run(ctx context.Context, cfg Config) (Receipt, error) {
	r := &run{cfg: cfg.withDefaults(), batch: &Batch{}}
	r.aliases, _ = lru.New[string, struct{}](maxAliases)
	reading, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	carrying, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	last := context.AfterFunc(reading, func() { time.AfterFunc(grace, stop) })
	defer last()
	r.reading, r.carrying = reading, carrying
	r.dispatcher = newDispatcher(&r.cfg, fail)

	var err error
	if r.cfg.Follow {
		err = r.follow()
	} else {
		err = r.once()
	}
	r.dispatch()
	r.dispatcher.close()
	if cause := context.Cause(reading); cause != nil {
		err = cause
	}
	r.receipt.Shipped, r.receipt.Refused = r.dispatcher.shipped.Load(), r.dispatcher.refused.Load()
	return r.receipt, errors.Join(err, r.cfg.Positions.save(true))
}

// dispatch hands over what has been made.
func (r *run) dispatch() {
	if r.batch.Records == 0 && len(r.batch.marks) == 0 {
		return
	}
	if err := r.cfg.Positions.remember(); err != nil {
		r.dispatcher.saved(err)
	}
	r.batch = r.dispatcher.submit(r.reading, r.carrying, r.batch)
}

// once reads each file to its end.
func (r *run) once() error {
	paths := r.paths()
	if len(paths) == 0 {
		return fmt.Errorf("no file is called %s", r.cfg.Files)
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			r.all += info.Size()
		}
	}
	for _, path := range paths {
		if r.reading.Err() != nil {
			return nil
		}
		if path == "-" {
			r.stdin()
			continue
		}
		in, err := r.open(path)
		if err != nil {
			r.unread(path, err)
			continue
		}
		before := r.receipt.Read
		r.catchUp(in)
		r.whole(in)
		if r.receipt.Read > before {
			r.receipt.Files++
		} else {
			r.receipt.Finished++
		}
		r.bytes += in.info.Size()
		r.progress(0)
	}
	return nil
}

// whole reads an input to its end and closes it.
func (r *run) whole(in *input) {
	err := r.drain(in, true, math.MaxInt)
	if errors.Is(err, io.EOF) {
		in.finish(r)
		err = nil
	}
	if err != nil && r.reading.Err() == nil {
		r.unread(in.path, err)
	}
	if err := in.close(r); err != nil {
		r.cfg.Warn(err.Error())
	}
}

// drain reads what there is, some lines at most. Its error is that of take, or the context's.
func (r *run) drain(in *input, final bool, lines int) error {
	for n := range lines {
		if n%64 == 0 {
			if err := r.reading.Err(); err != nil {
				return err
			}
			r.progress(in.at())
		}
		if err := in.take(r, final); err != nil {
			return err
		}
		if r.batch.full() {
			r.dispatch()
		}
	}
	return nil
}

// at is how many bytes of the file have been read.
func (in *input) at() int64 {
	if in.content == nil {
		return 0
	}
	return in.content.read
}

// progress tells how far reading is, ten times a second at most.
func (r *run) progress(ofThis int64) {
	if r.cfg.Progress == nil || r.all == 0 || ofThis > 0 && time.Since(r.told) < 100*time.Millisecond {
		return
	}
	r.told = time.Now()
	r.cfg.Progress(min(r.bytes+ofThis, r.all), r.all)
}

// unread counts and says why a file is not read.
func (r *run) unread(path string, err error) {
	switch {
	case errors.Is(err, errEmpty):
		return
	case errors.Is(err, errBinary):
		r.receipt.BinaryFiles++
		r.cfg.Warn(path + " is binary, and left out")
		return
	case errors.Is(err, errBusy):
		r.receipt.Finished++
		return
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%w; run as who may read it", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("%s is compressed and ends too early: what could be read is shipped", path)
	}
	r.receipt.Failed++
	r.cfg.Warn(err.Error())
}

// paths are the files that are there, in the order of the configuration. What is named without
// a wildcard is among them whether it is there or not.
func (r *run) paths() (out []string) {
	for _, pattern := range r.cfg.Files {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 && !wild(pattern) {
			found = []string{pattern}
		}
		for _, path := range found {
			if !slices.Contains(out, path) {
				out = append(out, path)
			}
		}
	}
	return out
}

func wild(pattern string) bool {
	for _, c := range pattern {
		if c == '*' || c == '?' || c == '[' {
			return true
		}
	}
	return false
}
