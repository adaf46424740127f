package embedded

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/filter"
)

// A term is what records are found by: a byte that says of which kind it is, and
// a value. Sorted, the terms of one field stand side by side.
const (
	keyTerm      = 'k' // correlation.key
	traceTerm    = 't' // trace.id
	labelTerm    = 'L' // a label's key, a NUL, its value
	statusTerm   = 'h' // http.response.status_code, in decimal
	durationTerm = 'D' // event.duration, one of its steps
)

// keywordTerms are the kinds of the fields that are found by their whole value.
var keywordTerms = map[string]byte{
	"log.level": 'l', "service.name": 's', "service.version": 'v', "service.node.name": 'n', "event.outcome": 'o', "waybill.kind": 'w',
	"correlation.key": keyTerm, "trace.id": traceTerm, "saga.id": 'g', "alias.value": 'a', "span.name": 'p',
	"messaging.destination.name": 'd', "error.type": 'y',
}

// textTerms are the kinds of the fields that are found by their words: words of
// several letters, and those of one character as Chinese and Japanese have them,
// which are kept in pairs.
var textTerms = map[string]struct{ word, pair byte }{
	"message":       {'m', 'c'},
	"error.message": {'e', 'f'},
}

// identity is who a record is.
type identity struct {
	id       string
	node     string
	sequence uint64 // 0: the record has no number of its instance
}

// reader reads what the index must know of records. It is for one goroutine.
type reader struct {
	bytes []byte
	words []string
}

// read walks a record. Everything in the result is valid until the next read.
func (s *reader) read(raw []byte, visit func(term []byte)) (id identity) {
	var sequence uint64
	record.Walk(raw, func(v record.Value) bool {
		switch {
		case v.Label:
			if !v.Number && !filter.TooLong(v.Text) {
				visit(s.label(v.Key, v.Text))
			}
		case v.Number:
			switch v.Key {
			case "event.sequence":
				sequence, _ = strconv.ParseUint(v.Text, 10, 64)
			case "http.response.status_code":
				if n, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
					visit(strconv.AppendInt(append(s.bytes[:0], statusTerm), n, 10))
				}
			case "event.duration":
				if n, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
					visit(append(s.bytes[:0], durationTerm, durationStep(n)))
				}
			}
		default:
			switch v.Key {
			case "event.id":
				id.id = v.Text
			case "service.node.name":
				id.node = v.Text
			}
			if kind, ok := keywordTerms[v.Key]; ok {
				if !filter.TooLong(v.Text) {
					s.bytes = append(append(s.bytes[:0], kind), v.Text...)
					visit(s.bytes)
				}
			} else if kinds, ok := textTerms[v.Key]; ok {
				s.text(kinds.word, kinds.pair, v.Text, visit)
			}
		}
		return true
	})
	if sequence > 0 && len(id.id) > len(id.node) && isNumbered(id.id, id.node, sequence) {
		id.sequence = sequence
	}
	return id
}

// isNumbered reports whether id is record.EventID(node, sequence).
func isNumbered(id, node string, sequence uint64) bool {
	if id[:len(node)] != node || id[len(node)] != '-' {
		return false
	}
	var digits [20]byte
	return string(strconv.AppendUint(digits[:0], sequence, 10)) == id[len(node)+1:]
}

func (s *reader) label(key, value string) []byte {
	s.bytes = append(append(append(append(s.bytes[:0], labelTerm), key...), 0), value...)
	return s.bytes
}

// text gives the terms of a text: its words, and of words of one character each
// pair, and the last one alone.
func (s *reader) text(word, pair byte, text string, visit func([]byte)) {
	s.words = filter.AppendWords(s.words[:0], text)
	for i, w := range s.words {
		if !isCharacter(w) {
			s.bytes = append(append(s.bytes[:0], word), w...)
			visit(s.bytes)
			continue
		}
		s.bytes = append(append(s.bytes[:0], pair), w...)
		if i+1 < len(s.words) && isCharacter(s.words[i+1]) {
			s.bytes = append(s.bytes, s.words[i+1]...)
		}
		visit(s.bytes)
	}
}

// isCharacter reports whether a word is one character of a script that is written
// without spaces.
func isCharacter(word string) bool {
	if len(word) < 3 || word[0] < 0xE2 {
		return false
	}
	r, n := utf8.DecodeRuneInString(word)
	return n == len(word) && r >= 0x2E80
}

// durationStep is a number that grows with n, four steps to a doubling.
func durationStep(n int64) byte {
	if n < 4 {
		return byte(max(n, 0))
	}
	top := bits.Len64(uint64(n)) // at least 3
	return byte(4*(top-2) + int(uint64(n)>>(top-3)&3))
}

func uvarint(b []byte) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}
