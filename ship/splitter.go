package ship

import (
	"bytes"
	"errors"
	"io"
)

// errMore means that a file has no whole line now, and may have later.
var errMore = errors.New("no more yet")

// line is one line as it stands in a file.
type line struct {
	bytes   []byte // without its end; good until the next one is read
	offset  int64  // of its first byte
	end     int64  // behind its end
	long    int64  // how many bytes it has, where not all are kept
	partial bool   // its end has not been written
}

// splitter finds lines in memory that does not grow with them.
type splitter struct {
	src    io.Reader
	limit  int    // most bytes that are kept of a line
	slack  int    // how many more are let in before they are forgotten
	end    []byte // of a line
	offset int64  // of buf[r]
	buf    []byte
	r, w   int
	seen   int   // bytes from r in which there is no end
	gone   int64 // bytes of the line at hand that were not kept
}

// readAhead is how much is read at once.
const readAhead = 256 << 10

func newSplitter(src io.Reader, offset int64, limit int, end []byte) *splitter {
	return &splitter{src: src, offset: offset, limit: limit, slack: readAhead / 2, end: end, buf: make([]byte, readAhead)}
}

// next is the next line. At the end of the source, that is errMore, or, where it is final, what
// there is without an end, and then io.EOF.
func (s *splitter) next(final bool) (line, error) {
	for {
		if at := s.find(); at >= 0 {
			return s.take(at, len(s.end)), nil
		}
		s.seen = max(0, s.w-s.r-len(s.end)+1)
		if s.w-s.r >= s.limit+len(s.end)+s.slack { // beyond the limit: forget what is behind it
			keep := len(s.end) - 1 // the end may have begun
			s.gone += int64(s.w - s.r - s.limit - keep)
			copy(s.buf[s.r+s.limit:], s.buf[s.w-keep:s.w])
			s.w = s.r + s.limit + keep
			s.seen = s.limit
		}
		if err := s.fill(); err != nil {
			if !errors.Is(err, io.EOF) || !final {
				if errors.Is(err, io.EOF) {
					err = errMore
				}
				return line{}, err
			}
			if s.w == s.r {
				return line{}, io.EOF
			}
			l := s.take(s.w-s.r, 0)
			l.partial = true
			return l, nil
		}
	}
}

// find is where the next line ends, from r; -1: not known.
func (s *splitter) find() int {
	for from := s.seen; ; {
		at := bytes.Index(s.buf[s.r+from:s.w], s.end)
		if at < 0 {
			return -1
		}
		at += from
		if (int64(at)+s.gone)%int64(len(s.end)) == 0 { // a code unit, not half of each of two
			return at
		}
		from = at + 1
	}
}

func (s *splitter) take(size, end int) line {
	l := line{bytes: s.buf[s.r : s.r+size], offset: s.offset, end: s.offset + s.gone + int64(size+end)}
	if whole := int64(size) + s.gone; whole > int64(s.limit) {
		l.bytes, l.long = l.bytes[:s.limit], whole
	}
	s.r += size + end
	s.offset, s.gone, s.seen = l.end, 0, 0
	return l
}

func (s *splitter) fill() error {
	if s.r == s.w {
		s.r, s.w = 0, 0
	}
	if s.w == len(s.buf) || s.r > 0 && s.w > len(s.buf)/2 && s.w-s.r < s.r {
		if s.r > 0 {
			s.w = copy(s.buf, s.buf[s.r:s.w])
			s.r = 0
		}
		if s.w == len(s.buf) {
			s.buf = append(s.buf, make([]byte, len(s.buf))...)
		}
	}
	n, err := s.src.Read(s.buf[s.w:])
	s.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// pending is how many bytes have no end yet.
func (s *splitter) pending() int64 { return int64(s.w-s.r) + s.gone }
