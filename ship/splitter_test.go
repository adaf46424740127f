package ship

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// crumbs gives its bytes in pieces of the given sizes, one after another, again and again. Between two of them it may
// end for a moment, as a file does that is being written.
type crumbs struct {
	rest   []byte
	sizes  []int
	n      int
	breaks bool
	paused bool
}

func (c *crumbs) Read(b []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	if c.breaks && !c.paused {
		c.paused = true
		return 0, io.EOF
	}
	c.paused = false
	size := min(c.sizes[c.n%len(c.sizes)], len(b), len(c.rest))
	c.n++
	copy(b, c.rest[:size])
	c.rest = c.rest[size:]
	return size, nil
}

func TestLinesAreTheSameHoweverTheyArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		end := []byte(rapid.SampledFrom([]string{"\n", "\n\x00", "\x00\n"}).Draw(t, "end"))
		limit := 2 * rapid.IntRange(1, 40).Draw(t, "limit")
		var content []byte
		var want []line
		for range rapid.IntRange(0, 30).Draw(t, "lines") {
			unit := rapid.SampledFrom([]string{"a\n", "\x00a", "b\x00", "\n\n"}[:4])
			if len(end) == 1 {
				unit = rapid.SampledFrom([]string{"ab", "\x00é", "\r "})
			}
			var text []byte
			for range rapid.IntRange(0, 60).Draw(t, "units") {
				if u := []byte(unit.Draw(t, "unit")); !bytes.Equal(u, end) {
					text = append(text, u...)
				}
			}
			l := line{offset: int64(len(content)), bytes: text}
			content = append(append(content, text...), end...)
			if len(text) > limit {
				l.bytes, l.long = text[:limit], int64(len(text))
			}
			l.end = int64(len(content))
			want = append(want, l)
		}
		if tail := rapid.IntRange(0, 2).Draw(t, "tail"); tail > 0 {
			want = append(want, line{offset: int64(len(content)), bytes: bytes.Repeat([]byte("z"), min(2*tail, limit)), end: int64(len(content) + 2*tail), partial: true})
			if 2*tail > limit {
				want[len(want)-1].long = int64(2 * tail)
			}
			content = append(content, bytes.Repeat([]byte("z"), 2*tail)...)
		}
		src := &crumbs{rest: content, sizes: rapid.SliceOfN(rapid.IntRange(1, 70), 1, 8).Draw(t, "sizes"), breaks: rapid.Bool().Draw(t, "breaks")}
		s := newSplitter(src, 0, limit, end)
		s.slack = rapid.IntRange(0, 40).Draw(t, "slack")
		for i := 0; ; {
			final := len(src.rest) == 0
			got, err := s.next(final)
			if errors.Is(err, errMore) && !final {
				continue
			}
			if errors.Is(err, io.EOF) {
				if i != len(want) {
					t.Fatalf("%d lines, want %d", i, len(want))
				}
				return
			}
			if err != nil || i >= len(want) {
				t.Fatalf("line %d of %d: %v", i, len(want), err)
			}
			w := want[i]
			if !bytes.Equal(got.bytes, w.bytes) || got.offset != w.offset || got.end != w.end || got.long != w.long || got.partial != w.partial {
				t.Fatalf("line %d is %+v, want %+v", i, got, w)
			}
			i++
		}
	})
}

// endless is a line without an end.
type endless struct{ left int }

func (e *endless) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), e.left)
	for i := range b[:n] {
		b[i] = 'x'
	}
	e.left -= n
	return n, nil
}

func TestALongLineTakesNoMoreMemoryThanItsLimit(t *testing.T) {
	const size = 200 << 20
	s := newSplitter(io.MultiReader(&endless{size}, bytes.NewReader([]byte("\nnext\n"))), 0, 1<<20, []byte("\n"))
	l, err := s.next(true)
	if err != nil || len(l.bytes) != 1<<20 || l.long != size || l.end != size+1 {
		t.Fatalf("%d bytes of %d, end %d: %v", len(l.bytes), l.long, l.end, err)
	}
	if cap(s.buf) > 4<<20 {
		t.Errorf("the buffer has grown to %d bytes", cap(s.buf))
	}
	if l, err = s.next(true); err != nil || string(l.bytes) != "next" || l.offset != size+1 {
		t.Errorf("then %q at %d: %v", l.bytes, l.offset, err)
	}
}
