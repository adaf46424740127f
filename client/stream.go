package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"
)

// stream reads server-sent events (HTML, §9.2.6) as Waybill writes them.
type stream struct {
	in   *bufio.Reader
	long []byte // a line that the reader's buffer does not hold
	id   []byte
	data []byte
}

const (
	buffered = 256 << 10
	maxEvent = 16 << 20 // bytes; a record has 1 MiB at most
)

var errLong = fmt.Errorf("an event of more than %d MiB", maxEvent>>20)

func newStream(from io.Reader) *stream {
	return &stream{in: bufio.NewReaderSize(from, buffered)}
}

// dry reports whether reading on would wait.
func (s *stream) dry() bool { return s.in.Buffered() == 0 }

// next is the next event. Its bytes are valid until next is called again.
func (s *stream) next() (name string, id, data []byte, err error) {
	s.data = s.data[:0]
	lines := 0
	for {
		line, err := s.line()
		if err != nil {
			return "", nil, nil, err
		}
		if len(line) == 0 {
			if lines > 0 {
				return name, s.id, s.data, nil
			}
			name = "" // a heartbeat, or what sets retry
			if s.dry() {
				return "", s.id, nil, nil
			}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = eventName(value)
		case "id":
			s.id = append(s.id[:0], value...)
		case "data":
			if lines++; lines > 1 {
				s.data = append(s.data, '\n')
			}
			if s.data = append(s.data, value...); len(s.data) > maxEvent {
				return "", nil, nil, errLong
			}
		}
	}
}

// eventName takes no memory for those there are.
func eventName(b []byte) string {
	switch string(b) {
	case "record":
		return "record"
	case "receipt":
		return "receipt"
	}
	return string(b)
}

// line is the next one, without its end.
func (s *stream) line() ([]byte, error) {
	line, err := s.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		s.long = append(s.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(s.long) > maxEvent {
				return nil, errLong
			}
			line, err = s.in.ReadSlice('\n')
			s.long = append(s.long, line...)
		}
		line = s.long
	}
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// watched lets a dog know that something came.
type watched struct {
	from io.Reader
	dog  *time.Timer
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.from.Read(b)
	w.dog.Reset(silence)
	return n, err
}
