package ship

import (
	"regexp"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// piece is one line, out of what was around it, or several that belong together.
type piece struct {
	text    string
	told    string // the time that what was around it says
	stream  string
	partial bool // it goes on in the next of its stream
	bare    bool // nothing was around it, and should have been
	offset  int64
	end     int64
	sum     uint64
	long    int64  // bytes, where not all are kept
	check   uint32 // of the last line in it
	lineAt  int64  // where that begins
}

// joiner puts together lines that belong together: what a container's runtime has split, and
// what follows a first line.
type joiner struct {
	start  *regexp.Regexp // of the first line of several; nil: each stands alone
	limit  int
	parts  map[string]*joined // by stream
	lines  map[string]*joined
	before mark // of the line before the one at hand
}

type joined struct {
	piece
	bytes  []byte
	before mark // of the line before its first one
}

func newJoiner(start *regexp.Regexp, limit int) *joiner {
	return &joiner{start: start, limit: limit, parts: map[string]*joined{}, lines: map[string]*joined{}}
}

// push takes the next line. What it returns is complete, and good until the next call.
func (j *joiner) push(p piece) (piece, bool) {
	before := j.before
	j.before = mark{Offset: p.end, LineAt: p.lineAt, Check: p.check}
	if p.partial || len(j.parts) > 0 {
		part := j.parts[p.stream]
		switch {
		case part != nil:
			part.add(p, "", j.limit)
		case p.partial:
			part = begin(p, before)
			j.parts[p.stream] = part
		}
		if part != nil {
			if p.partial && part.end-part.offset < maxJoined*int64(j.limit) {
				return piece{}, false
			}
			delete(j.parts, p.stream)
			p, before = part.whole(), part.before
		}
	}
	if j.start == nil {
		return p, true
	}
	open := j.lines[p.stream]
	if open != nil && !j.start.MatchString(p.text) && open.end-open.offset < maxJoined*int64(j.limit) {
		open.add(p, "\n", j.limit)
		return piece{}, false
	}
	j.lines[p.stream] = begin(p, before)
	if open == nil {
		return piece{}, false
	}
	return open.whole(), true
}

// maxJoined bounds how much of a file one record may span, in limits of a line.
const maxJoined = 4

// flush returns what is open, one at a time.
func (j *joiner) flush() (piece, bool) {
	for stream, part := range j.parts {
		delete(j.parts, stream)
		if open := j.lines[stream]; open != nil {
			open.add(part.whole(), "\n", j.limit)
			continue
		}
		return part.whole(), true
	}
	var first *joined
	for _, open := range j.lines {
		if first == nil || open.offset < first.offset {
			first = open
		}
	}
	if first == nil {
		return piece{}, false
	}
	delete(j.lines, first.stream)
	return first.whole(), true
}

// idle reports whether nothing is open.
func (j *joiner) idle() bool { return len(j.parts) == 0 && len(j.lines) == 0 }

// safe is the place up to which everything has been returned.
func (j *joiner) safe() mark {
	at := j.before
	for _, some := range [...]map[string]*joined{j.parts, j.lines} {
		for _, open := range some {
			if open.offset < at.Offset {
				at = open.before
				at.Offset = open.offset
			}
		}
	}
	return at
}

func begin(p piece, before mark) *joined {
	w := &joined{piece: p, bytes: append([]byte(nil), p.text...), before: before}
	w.told = string(append([]byte(nil), p.told...))
	return w
}

func (w *joined) add(p piece, between string, limit int) {
	w.end, w.lineAt, w.check, w.partial = p.end, p.lineAt, p.check, p.partial
	w.sum = w.sum*31 + p.sum
	room := limit - len(w.bytes)
	if w.long > 0 || len(between)+len(p.text) > room {
		w.long = max(w.long, int64(len(w.bytes))) + int64(len(between)+len(p.text))
		if between != "" || room <= 0 {
			return
		}
		w.bytes = append(w.bytes, p.text[:min(room, len(p.text))]...)
		return
	}
	w.bytes = append(append(w.bytes, between...), p.text...)
}

func (w *joined) whole() piece {
	w.text = unsafe.String(unsafe.SliceData(w.bytes), len(w.bytes))
	return w.piece
}

// sumOfLine is the sum of a line in its record's identity.
func sumOfLine(b []byte) uint64 { return xxhash.Sum64(b) }
