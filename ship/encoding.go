package ship

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/encoding/charmap"
)

// encoding is how a file's characters are written.
type encoding int

const (
	utf8Text encoding = iota
	utf16LE
	utf16BE
)

// boms open a file and say its encoding.
var boms = []struct {
	mark []byte
	enc  encoding
}{{[]byte("\xff\xfe"), utf16LE}, {[]byte("\xfe\xff"), utf16BE}, {[]byte("\xef\xbb\xbf"), utf8Text}}

// encodingOf reads the mark at the front of a file.
func encodingOf(head []byte) (enc encoding, mark int) {
	for _, b := range boms {
		if bytes.HasPrefix(head, b.mark) {
			return b.enc, len(b.mark)
		}
	}
	return utf8Text, 0
}

// newline is how a line ends.
func (e encoding) newline() []byte {
	switch e {
	case utf16LE:
		return []byte("\n\x00")
	case utf16BE:
		return []byte("\x00\n")
	}
	return []byte("\n")
}

// decoded is what became of a line's bytes.
type decoded int

const (
	asIs decoded = iota
	fromUTF16
	fromLatin1
	repaired // bytes that are no UTF-8 are shown as U+FFFD
)

// decode turns a line's bytes into text, which shares memory with them where it can, or
// with scratch. A line that is not UTF-8 anywhere beyond ASCII is taken for Windows-1252, which is
// Latin-1 with more letters.
func (e encoding) decode(b, scratch []byte) (string, []byte, decoded) {
	how := asIs
	switch {
	case e != utf8Text:
		b, scratch = fromUnits(b, e, scratch[:0])
		how = fromUTF16
	case utf8.Valid(b):
	case latin1(b):
		scratch = scratch[:0]
		for _, c := range b {
			scratch = utf8.AppendRune(scratch, charmap.Windows1252.DecodeByte(c))
		}
		b, how = scratch, fromLatin1
	default:
		scratch = append(scratch[:0], bytes.ToValidUTF8(b, []byte("\uFFFD"))...)
		b, how = scratch, repaired
	}
	b = bytes.TrimSuffix(b, []byte("\r"))
	return unsafe.String(unsafe.SliceData(b), len(b)), scratch, how
}

// latin1 reports whether no character beyond ASCII is written in UTF-8.
func latin1(b []byte) bool {
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		if r, size := utf8.DecodeRune(b[i:]); r != utf8.RuneError || size > 1 {
			return false
		}
		i++
	}
	return true
}

func fromUnits(b []byte, e encoding, dst []byte) (text, scratch []byte) {
	unit := func(i int) rune {
		if e == utf16LE {
			return rune(b[i]) | rune(b[i+1])<<8
		}
		return rune(b[i])<<8 | rune(b[i+1])
	}
	for i := 0; i+1 < len(b); i += 2 {
		r := unit(i)
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if i+3 < len(b) {
				low = unit(i + 2)
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 2
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, dst
}

// binary reports whether bytes at the front of a file are no text: they hold a NUL, and a tenth of them is nothing
// that text has. A hole at the very front does not count: truncating a file under its writer leaves one.
func binary(head []byte) bool {
	head = bytes.TrimLeft(head, "\x00")
	if bytes.IndexByte(head, 0) < 0 {
		return false
	}
	strange := 0
	for i := 0; i < len(head); {
		r, size := utf8.DecodeRune(head[i:])
		if r == utf8.RuneError && size == 1 || r < ' ' && (r < '\a' || r > '\r') && r != 0x1b {
			strange++
		}
		i += size
	}
	return 10*strange > len(head)
}
