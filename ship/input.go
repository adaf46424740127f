package ship

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/waybill-log/waybill/ship/format"
)

// input is one file that is being read.
type input struct {
	path    string
	content *content // nil: stdin
	info    os.FileInfo
	of      *position
	enc     encoding
	lines   *splitter
	unwrap  *format.Unwrapper
	joiner  *joiner
	maker   *maker
	scratch []byte
	grew    time.Time // while it is followed: when something was last read
	gone    bool      // its name is another file's
}

// Reasons for which a file is not read. They are counted, not errors of the run.
var (
	errBinary = errors.New("is binary")
	errEmpty  = errors.New("is empty")
	errBusy   = errors.New("begins like a file that is being read")
)

// open finds out what a file is and how far it has been shipped.
func (r *run) open(path string) (*input, error) {
	c, err := openContent(path)
	if err != nil {
		return nil, err
	}
	in, err := r.prepare(path, c)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return in, nil
}

func (r *run) prepare(path string, c *content) (*input, error) {
	head, err := c.head()
	switch {
	case err != nil:
		return nil, err
	case len(head) == 0:
		return nil, errEmpty
	}
	in := &input{path: path, content: c, info: c.info, grew: time.Now()}
	var skip int
	if in.enc, skip = encodingOf(head); in.enc == utf8Text && binary(head) {
		return nil, errBinary
	}
	newline := in.enc.newline()
	known, busy := r.cfg.Positions.find(head, path, func(f *position) bool { return c.holds(r.cfg.Positions.at(f), newline) })
	switch {
	case known != nil:
		in.of = known
	case busy:
		return nil, errBusy
	default:
		in.of = r.firstSight(path, head, c.info.ModTime(), in.enc)
	}
	at := r.cfg.Positions.at(in.of)
	if r.cfg.Again {
		at = mark{}
	}
	if in.of.read.Offset > 0 { // in this run, under another name
		at = in.of.read
	}
	if at.Offset == 0 {
		at = mark{Offset: int64(skip), LineAt: int64(skip), Check: checkOf(nil, newline)}
	}
	if err := c.seek(at.Offset); err != nil {
		return nil, err
	}
	r.cfg.Positions.claim(in.of, path)
	return in, r.read(in, c, at)
}

// firstSight is the position of a file that is not known.
func (r *run) firstSight(path string, head []byte, modified time.Time, enc encoding) *position {
	sum := sumOf(head)
	now := r.cfg.now().UTC().Round(0)
	of := &position{ID: sum, Sum: sum, Head: len(head), Path: path, Name: serviceOf(path), FirstSeen: now, Seen: now, Modified: modified.UTC().Round(0)}
	if r.cfg.Pattern == nil && r.cfg.Format == format.Auto {
		of.Format = detect(head, enc)
		r.cfg.Warn(fmt.Sprintf("%s is read as %s", path, of.Format))
	}
	r.cfg.Positions.add(of)
	return of
}

// detect finds the format by whole lines of a file's head.
func detect(head []byte, enc encoding) string {
	var lines []string
	newline := enc.newline()
	_, skip := encodingOf(head)
	s := newSplitter(bytes.NewReader(head[skip:]), int64(skip), headBytes, newline)
	for {
		l, err := s.next(true)
		if err != nil || l.partial && len(lines) > 0 {
			break
		}
		text, _, _ := enc.decode(l.bytes, nil)
		lines = append(lines, strings.Clone(text))
	}
	return format.Detect(lines)
}

// read has an input begin at a mark.
func (r *run) read(in *input, src io.Reader, at mark) error {
	name := r.formatOf(in.of)
	limit := r.cfg.limit(name)
	in.lines = newSplitter(src, at.Offset, limit, in.enc.newline())
	in.unwrap = format.NewUnwrapper(name)
	in.joiner = newJoiner(r.cfg.Start, limit)
	in.joiner.before = at
	var err error
	in.maker, err = newMaker(&r.cfg, &r.receipt, r.aliases, in.of, name, in.path, at.Last)
	return err
}

// formatOf is what is asked for, else what was found at first sight.
func (r *run) formatOf(of *position) string {
	switch {
	case r.cfg.Pattern != nil:
		return format.Pattern
	case r.cfg.Format != format.Auto:
		return r.cfg.Format
	}
	return cmp.Or(of.Format, format.Text)
}

// take reads one line and makes what is complete with it. The error is io.EOF at the end, errMore where there may
// be more later, or what reading met.
func (in *input) take(r *run, final bool) error {
	l, err := in.lines.next(final)
	if err != nil {
		return err
	}
	p := piece{offset: l.offset, end: l.end, lineAt: l.offset, long: l.long, check: checkOf(l.bytes, in.lines.end), sum: sumOfLine(l.bytes)}
	r.receipt.Read++
	r.receipt.Bytes += l.end - l.offset
	var how decoded
	p.text, in.scratch, how = in.enc.decode(l.bytes, in.scratch)
	switch how {
	case fromLatin1:
		r.receipt.Latin1++
	case repaired:
		r.receipt.Repaired++
	}
	if in.unwrap != nil {
		if w, ok := in.unwrap.Unwrap(p.text); ok {
			p.text, p.told, p.stream, p.partial = w.Text, w.Time, w.Stream, w.Partial
		} else {
			p.bare = true
		}
	}
	if strings.HasPrefix(p.text, "\x00") { // a hole: the file was truncated under its writer
		p.text = strings.TrimLeft(p.text, "\x00")
	}
	before := in.joiner.before
	switch {
	case strings.TrimSpace(p.text) == "" && r.cfg.Start == nil && !p.partial && in.joiner.idle():
		r.receipt.Blank++
		in.joiner.before = mark{Offset: p.end, LineAt: p.lineAt, Check: p.check}
	case strings.IndexByte(p.text, 0) >= 0:
		r.receipt.Binary++
		in.joiner.before = mark{Offset: p.end, LineAt: p.lineAt, Check: p.check}
	default:
		whole, ok := in.joiner.push(p)
		if !ok {
			r.receipt.Joined++
			break
		}
		in.maker.make(whole, r.batch)
	}
	if l.partial { // it may go on: the next run reads it again, and where it does not it is the same record
		in.joiner.before = before
	}
	in.reached(r)
	return nil
}

// reached notes in the batch how far this input is shipped with it.
func (in *input) reached(r *run) {
	if in.content == nil { // a pipe is read from its beginning
		return
	}
	m := in.joiner.safe()
	m.of, m.Last = in.of, in.maker.clock.Last
	in.of.read = m
	r.batch.reached(m)
}

// finish makes what is open.
func (in *input) finish(r *run) {
	for {
		p, ok := in.joiner.flush()
		if !ok {
			return
		}
		r.receipt.Joined--
		in.maker.make(p, r.batch)
		in.reached(r)
	}
}

func (in *input) close(r *run) error {
	r.cfg.Positions.release(in.of)
	if in.content == nil {
		return nil
	}
	return in.content.close()
}
