package filter

import "strings"

// Kind says how a field is searched.
type Kind int

// Kinds of fields.
const (
	Keyword Kind = iota + 1 // as a whole or by its beginning
	Number                  // 64-bit integers
	Text                    // by its words
)

// LabelPrefix stands before a label's key in the name of its field.
const LabelPrefix = "labels."

// KindOf is how a field is searched; ok is false for one that is not.
func KindOf(field string) (k Kind, ok bool) {
	switch field {
	case "log.level", "service.name", "service.version", "service.node.name", "event.outcome", "waybill.kind", "correlation.key", "trace.id", "saga.id",
		"alias.value", "span.name", "messaging.destination.name", "error.type":
		return Keyword, true
	case "event.duration", "event.sequence", "http.response.status_code":
		return Number, true
	case "message", "error.message":
		return Text, true
	}
	key, label := strings.CutPrefix(field, LabelPrefix)
	return Keyword, label && key != "" && strings.IndexByte(key, 0) < 0
}

// String is the kind's name.
func (k Kind) String() string {
	switch k {
	case Keyword:
		return "keyword"
	case Number:
		return "number"
	case Text:
		return "text"
	}
	return ""
}

// Faceted reports whether a field's values can be counted.
func Faceted(field string) bool {
	switch field {
	case "log.level", "service.name", "service.version", "service.node.name", "event.outcome", "waybill.kind", "span.name", "error.type",
		"http.response.status_code":
		return true
	}
	return false
}
