package ship

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"time"
)

// pump reads from where waiting cannot be ended, such as a pipe: while nothing comes, its Read
// returns errMore.
type pump struct {
	chunks chan chunk
	rest   []byte
	err    error
	wait   time.Duration
	once   sync.Once
	stop   chan struct{}
}

type chunk struct {
	bytes []byte
	err   error
}

func newPump(src io.Reader, wait time.Duration) *pump {
	p := &pump{chunks: make(chan chunk, 2), wait: wait, stop: make(chan struct{})}
	go func() {
		for {
			b := make([]byte, 64<<10)
			n, err := src.Read(b)
			select {
			case p.chunks <- chunk{b[:n], err}:
			case <-p.stop:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

func (p *pump) Read(b []byte) (int, error) {
	for len(p.rest) == 0 {
		if p.err != nil {
			return 0, p.err
		}
		timer := time.NewTimer(p.wait)
		select {
		case c := <-p.chunks:
			p.rest, p.err = c.bytes, c.err
		case <-timer.C:
			return 0, errMore
		}
		timer.Stop()
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// head waits for the first bytes, as many as tell a file from others, or what comes until
// nothing more does for a second. They are read again.
func (p *pump) head(reading context.Context) []byte {
	var head []byte
	b := make([]byte, headBytes)
	for idle := time.Duration(0); len(head) < headBytes && p.err == nil && reading.Err() == nil; {
		n, err := p.Read(b[:headBytes-len(head)])
		head = append(head, b[:n]...)
		switch {
		case errors.Is(err, errMore):
			if idle += p.wait; idle >= time.Second && len(head) > 0 {
				p.rest = append(append([]byte(nil), head...), p.rest...)
				return head
			}
		case err == nil:
			idle = 0
		}
	}
	for len(head) < headBytes && len(p.rest) > 0 { // came with the end
		n := copy(b[:headBytes-len(head)], p.rest)
		head, p.rest = append(head, b[:n]...), p.rest[n:]
	}
	p.rest = append(append([]byte(nil), head...), p.rest...)
	return head
}

func (p *pump) close() { p.once.Do(func() { close(p.stop) }) }

// stdin reads Stdin to its end.
func (r *run) stdin() {
	if r.cfg.Stdin == nil {
		return
	}
	p := newPump(r.cfg.Stdin, r.cfg.Poll)
	defer p.close()
	in, err := r.fromPipe(p)
	if err != nil {
		r.unread("stdin", err)
		return
	}
	r.receipt.Files++
	for {
		err := r.drain(in, true, math.MaxInt)
		switch {
		case errors.Is(err, errMore):
			r.dispatch()
			continue
		case errors.Is(err, io.EOF):
			in.finish(r)
		case r.reading.Err() == nil:
			r.unread("stdin", err)
		}
		break
	}
	if err := in.close(r); err != nil {
		r.cfg.Warn(err.Error())
	}
}

// fromPipe prepares what comes through a pipe. It is read from its beginning, wherever its position is.
func (r *run) fromPipe(p *pump) (*input, error) {
	head := p.head(r.reading)
	if len(head) == 0 {
		return nil, errEmpty
	}
	in := &input{path: "stdin"}
	var skip int
	if in.enc, skip = encodingOf(head); in.enc == utf8Text && binary(head) {
		return nil, errBinary
	}
	known, _ := r.cfg.Positions.find(head, in.path, func(*position) bool { return true })
	if in.of = known; known != nil {
		in.path = known.Path // it may be a file that is shipped as one, too
	} else {
		in.of = r.firstSight(in.path, head, time.Now(), in.enc)
	}
	r.cfg.Positions.claim(in.of, in.of.Path)
	if _, err := io.ReadFull(p, make([]byte, skip)); err != nil {
		return nil, err
	}
	return in, r.read(in, p, mark{Offset: int64(skip)})
}
