package format

import (
	"strings"
)

// Wrapped is what a container's runtime says of a line beside its text.
type Wrapped struct {
	Text    string
	Time    string // empty: it says nothing
	Stream  string // stdout or stderr; lines of each follow one another
	Partial bool   // the line goes on in the next of the stream
}

// Unwrapper takes off what Docker or CRI has put around a line.
type Unwrapper struct {
	cri  bool
	json jsonParser
}

// NewUnwrapper is for lines of a format; nil if that wraps none.
func NewUnwrapper(name string) *Unwrapper {
	switch name {
	case Docker, CRI:
		return &Unwrapper{cri: name == CRI}
	}
	return nil
}

// Unwrap returns what shares the line's memory, or the unwrapper's until the next
// call; false if the line is not wrapped.
func (u *Unwrapper) Unwrap(line string) (w Wrapped, ok bool) {
	if u.cri {
		return unwrapCRI(line)
	}
	o := u.json.object(line)
	if o == nil {
		return w, false
	}
	log, at, stream := o.Get("log"), o.Get("time"), o.Get("stream")
	if log == nil || at == nil {
		return w, false
	}
	text, whole := strings.CutSuffix(shared(log.GetStringBytes()), "\n")
	w = Wrapped{Text: strings.TrimSuffix(text, "\r"), Time: shared(at.GetStringBytes()), Partial: !whole, Stream: "stdout"}
	if stream != nil && string(stream.GetStringBytes()) == "stderr" {
		w.Stream = "stderr"
	}
	return w, true
}

// unwrapCRI reads TIME STREAM TAG TEXT, of which the tag is P or F, perhaps with others behind a colon.
func unwrapCRI(line string) (w Wrapped, ok bool) {
	told, rest, _ := strings.Cut(line, " ")
	stream, rest, _ := strings.Cut(rest, " ")
	tags, text, _ := strings.Cut(rest, " ")
	tag, _, _ := strings.Cut(tags, ":")
	if stream != "stdout" && stream != "stderr" || tag != "P" && tag != "F" {
		return w, false
	}
	if _, n, ok := iso(told, nil); !ok || n != len(told) {
		return w, false
	}
	return Wrapped{Text: text, Time: told, Stream: stream, Partial: tag == "P"}, true
}
