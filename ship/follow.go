package ship

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	lookEvery = time.Second     // for files that have come, gone or changed places
	lingers   = 2 * time.Second // how long a file whose name is another's may still be written to
	settles   = 5 * time.Second // after which a record that may have more lines is taken to have them all
	turn      = 20_000          // lines of one file before it is another's turn
)

// followed is what is known while files are followed.
type followed struct {
	*run
	inputs []*input
	seen   map[string]seen // by path: files that are not read on
	looked time.Time
}

// seen is why a file is not read, and what it was then.
type seen struct {
	info os.FileInfo
	err  error // nil: it is shipped whole
}

// follow reads what is there and what comes, until the context ends.
func (r *run) follow() error {
	f := &followed{run: r, seen: map[string]seen{}}
	if slices.Contains(r.cfg.Files, "-") {
		return errors.New("stdin ends by itself: it is not followed; leave out -f, or the -")
	}
	tick := time.NewTicker(r.cfg.Poll)
	defer tick.Stop()
	for {
		if time.Since(f.looked) >= min(lookEvery, 4*r.cfg.Poll) {
			f.look()
			f.looked = time.Now()
		}
		more := false
		for _, in := range slices.Clone(f.inputs) {
			more = f.advance(in) || more
		}
		r.dispatch()
		if r.reading.Err() != nil {
			f.leave()
			return nil
		}
		if more {
			continue
		}
		select {
		case <-tick.C:
		case <-r.reading.Done():
		}
	}
}

// leave closes all. What is open stays before its position.
func (f *followed) leave() {
	for _, in := range f.inputs {
		if err := in.close(f.run); err != nil {
			f.cfg.Warn(err.Error())
		}
	}
}

// advance reads on, and reports whether there may be more at once.
func (f *followed) advance(in *input) (more bool) {
	if f.truncated(in) {
		f.restart(in)
		return true
	}
	before := in.lines.offset + in.lines.pending()
	err := f.drain(in, false, turn)
	if in.lines.offset+in.lines.pending() > before {
		in.grew = time.Now()
	}
	switch {
	case err == nil:
		return true
	case f.reading.Err() != nil:
		return false
	case errors.Is(err, errTruncated):
		f.restart(in)
		return true
	case !errors.Is(err, errMore):
		f.unread(in.path, err)
		f.drop(in)
		return false
	case in.content.zip != nil, in.gone && time.Since(in.grew) > lingers:
		f.end(in)
		return false
	}
	if time.Since(in.grew) > settles && !in.joiner.idle() {
		in.finish(f.run)
	}
	return false
}

// end ships what is left of a file that will not go on.
func (f *followed) end(in *input) {
	if !in.gone {
		f.seen[in.path] = seen{info: in.info}
	}
	f.inputs = slices.DeleteFunc(f.inputs, func(o *input) bool { return o == in })
	f.whole(in)
}

// drop closes a file that cannot be read.
func (f *followed) drop(in *input) {
	f.inputs = slices.DeleteFunc(f.inputs, func(o *input) bool { return o == in })
	f.seen[in.path] = seen{info: in.info, err: errors.ErrUnsupported}
	if err := in.close(f.run); err != nil {
		f.cfg.Warn(err.Error())
	}
}

// truncated reports whether a file no longer has what was read of it.
func (f *followed) truncated(in *input) bool {
	if in.content.zip != nil {
		return false
	}
	info, err := in.content.file.Stat()
	if err != nil {
		return false
	}
	if info.Size() < in.lines.offset+in.lines.pending() {
		return true
	}
	if info.Size() == in.info.Size() && info.ModTime().Equal(in.info.ModTime()) {
		return false
	}
	in.info = info
	head, line := make([]byte, in.of.Head), make([]byte, min(checkBytes, in.of.read.Offset-in.of.read.LineAt))
	if n, err := in.content.file.ReadAt(head, 0); n < len(head) {
		return errors.Is(err, io.EOF)
	}
	if n, err := in.content.file.ReadAt(line, in.of.read.LineAt); n < len(line) {
		return errors.Is(err, io.EOF)
	}
	return sumOf(head) != in.of.Sum || in.of.read.Offset > 0 && checkOf(line, in.lines.end) != in.of.read.Check
}

// restart leaves a file that was truncated. What was in it may be in a copy, which then is read to its end.
func (f *followed) restart(in *input) {
	f.receipt.Truncated++
	in.content.over = true
	f.cfg.Warn(in.path + " was truncated; what it has now is read from its beginning")
	f.inputs = slices.DeleteFunc(f.inputs, func(o *input) bool { return o == in })
	f.cfg.Positions.release(in.of)
	if f.cfg.Positions != nil && f.copied(in.path, in.of) {
		if err := in.close(f.run); err != nil {
			f.cfg.Warn(err.Error())
		}
	} else {
		f.whole(in)
	}
	f.looked = time.Time{}
}

// catchUp reads to its end what a path named before, when nobody followed it: rotation has given it another name.
func (r *run) catchUp(in *input) {
	if before := r.cfg.Positions.before(in.path, in.of); before != nil {
		r.copied(in.path, before)
	}
}

// copied looks beside a path for a file that begins as another one did, and reads it on to its end.
func (r *run) copied(path string, of *position) bool {
	beside, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return false
	}
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	for _, entry := range beside {
		name := filepath.Join(filepath.Dir(path), entry.Name())
		if name == filepath.Clean(path) || !entry.Type().IsRegular() || !strings.HasPrefix(entry.Name(), stem) {
			continue
		}
		head, err := headOf(name)
		if err != nil || len(head) < of.Head || sumOf(head[:of.Head]) != of.Sum {
			continue
		}
		in, err := r.open(name)
		if err != nil {
			continue
		}
		same := in.of == of
		r.whole(in)
		if same {
			return true
		}
	}
	return false
}

// look finds files that have come, gone or changed places.
func (f *followed) look() {
	here := map[*input]bool{}
	for _, path := range f.paths() {
		info, err := os.Stat(path)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				f.refuse(path, nil, err)
			}
			continue
		}
		if at := slices.IndexFunc(f.inputs, func(in *input) bool { return os.SameFile(in.content.info, info) }); at >= 0 {
			in := f.inputs[at]
			if !here[in] {
				in.path = path
			}
			here[in], in.gone = true, false
			continue
		}
		if s, known := f.seen[path]; known && s.info != nil && os.SameFile(s.info, info) && s.info.Size() == info.Size() && s.info.ModTime().Equal(info.ModTime()) {
			continue
		}
		in, err := f.open(path)
		if err != nil {
			f.refuse(path, info, err)
			continue
		}
		in.content.still = func() bool { return !f.truncated(in) }
		delete(f.seen, path)
		f.receipt.Files++
		f.catchUp(in)
		f.inputs = append(f.inputs, in)
		here[in] = true
	}
	for _, in := range f.inputs {
		if !here[in] && !in.gone {
			in.gone, in.grew = true, time.Now()
			if _, err := os.Stat(in.path); errors.Is(err, fs.ErrNotExist) {
				f.cfg.Warn(fmt.Sprintf("%s is gone; what is still written to it is shipped", in.path))
			}
		}
	}
}

// refuse says once why a file is not read. One that is empty, or is read under another name, may change.
func (f *followed) refuse(path string, info os.FileInfo, err error) {
	if errors.Is(err, errEmpty) || errors.Is(err, errBusy) {
		return
	}
	if s, known := f.seen[path]; !known || s.err == nil || s.err.Error() != err.Error() {
		f.unread(path, err)
	}
	f.seen[path] = seen{info, err}
}
