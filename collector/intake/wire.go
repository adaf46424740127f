package intake

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// survey looks at an encoded request before it is decoded: a few bytes on the
// wire can be many in memory.
type survey struct{ values int }

// protobuf counts the messages in b, which are of type md. Invalid UTF-8, which
// would make the whole request unreadable, is replaced in place. Its error is a *refusal.
func (s *survey) protobuf(md protoreflect.MessageDescriptor, b []byte, depth int) error {
	if err := s.count(depth); err != nil {
		return err
	}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return badRequest(protowire.ParseError(n))
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(number, kind, b)
		if size < 0 {
			return badRequest(protowire.ParseError(size))
		}
		if kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(b)
			switch field := md.Fields().ByNumber(number); {
			case field == nil:
			case field.Kind() == protoreflect.MessageKind:
				if err := s.protobuf(field.Message(), value, depth+1); err != nil {
					return err
				}
			case field.Kind() == protoreflect.StringKind:
				repair(value)
			}
		}
		b = b[size:]
	}
	return nil
}

// json counts the objects and arrays in b. Its error is a *refusal.
func (s *survey) json(b []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			if err := s.count(depth); err != nil {
				return err
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func (s *survey) count(depth int) error {
	s.values++
	switch {
	case depth > maxNesting:
		return &refusal{status: http.StatusBadRequest, detail: fmt.Sprintf("nested deeper than %d", maxNesting)}
	case s.values > maxValues:
		return &refusal{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("more than %d values; send smaller requests", maxValues)}
	}
	return nil
}

// repair replaces each byte that is not UTF-8 by a question mark.
func repair(b []byte) {
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			b[0] = '?'
		}
		b = b[size:]
	}
}

func badRequest(err error) error {
	return &refusal{status: http.StatusBadRequest, detail: "the body cannot be parsed: " + err.Error()}
}
