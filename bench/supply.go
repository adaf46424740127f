package main

import (
	"bytes"
	"io"
	"regexp"
)

// supply writes records of parcels, a line each, and keeps of some of them what
// can be asked for.
type supply struct {
	from   *parcels
	bytes  int64
	made   int
	keys   []string
	orders []string // that stand in a message
}

// noted is the distance of the records that something is kept of: 10,000 in 10 million.
const noted = 997

var orderInMessage = regexp.MustCompile(`order (\d+)`)

func (s *supply) write(w io.Writer, n int) error {
	for range n {
		raw, key := s.from.next()
		s.made++
		s.bytes += int64(len(raw))
		if s.made%noted == 0 {
			s.keys = append(s.keys, key)
			if m := orderInMessage.FindSubmatch(raw); m != nil {
				s.orders = append(s.orders, string(m[1]))
			}
		}
		if _, err := w.Write(append(raw, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// prepare returns the next records, to be written as fast as they are taken.
func (s *supply) prepare(n int) []byte {
	b := bytes.NewBuffer(make([]byte, 0, n*560))
	if err := s.write(b, n); err != nil {
		panic(err) // memory takes everything
	}
	return b.Bytes()
}

// firstLines are the first n of some records.
func firstLines(records []byte, n int) []byte {
	end := 0
	for range n {
		end += bytes.IndexByte(records[end:], '\n') + 1
	}
	return records[:end]
}
