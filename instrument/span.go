package instrument

import (
	"encoding/hex"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// span is what must be known of an open span. The nil span is none.
type span struct {
	hop    *hop
	own    hop // where the span opens it
	trace  trace.TraceID
	self   trace.SpanID
	parent trace.SpanID // zero: none
	id     string       // correlation ID
	key    string       // record.Key(id)
	saga   *record.Saga

	exchange *exchange // nil: its attributes are all there is
	ended    atomic.Bool

	name, shownName string // as last seen, and without its secrets

	// What its records have in common, encoded once. Hop records have parent.id
	// too, before hop.id.
	//
	//	,"correlation.id":…,"correlation.key":…,"trace.id":…,"span.id":…,"hop.id":…,"parent.id":…
	//	                 id                  key          trace        span       hop
	encoded []byte
	room    [256]byte // for that, if it is enough
	end     struct{ id, key, trace, span, hop int }
}

// of reports whether the span is one of the journey named id.
func (s *span) of(id string) bool { return s != nil && record.SameID(s.id, id) }

// begin makes it a span of the journey named id. It opens a hop, unless it is in
// the one above; above may be nil.
func (s *span) begin(id string, sc trace.SpanContext, parent trace.SpanID, above *span, visits bool) {
	s.trace, s.self, s.parent, s.id = sc.TraceID(), sc.SpanID(), parent, id
	s.own.root, s.hop = s.self, &s.own
	if !visits && above.of(id) {
		s.hop = above.hop
	}
	if above != nil && above.id == id {
		s.key, s.end = above.key, above.end
		s.encoded = append(s.room[:0], above.encoded[:above.end.key]...)
	} else {
		if s.key = id; !isTrace(id, s.trace) { // those are a key
			s.key = record.Key(id)
		}
		s.encoded = record.AppendField(s.room[:0], "correlation.id", id)
		s.end.id = len(s.encoded)
		s.encoded = record.AppendField(s.encoded, "correlation.key", s.key)
		s.end.key = len(s.encoded)
	}
	s.encoded = appendHex(s.encoded, `,"trace.id":"`, s.trace[:])
	s.end.trace = len(s.encoded)
	s.encoded = appendHex(s.encoded, `,"span.id":"`, s.self[:])
	s.end.span = len(s.encoded)
	if s.hop != &s.own {
		s.encoded = appendHex(s.encoded, `,"hop.id":"`, s.hop.root[:])
	}
	s.end.hop = len(s.encoded)
	if parent.IsValid() {
		s.encoded = appendHex(s.encoded, `,"parent.id":"`, parent[:])
	}
}

// isTrace reports whether a correlation ID is just the digits of a trace ID.
func isTrace(id string, of trace.TraceID) bool {
	var digits [2 * len(of)]byte
	hex.Encode(digits[:], of[:])
	return id == string(digits[:])
}

func appendHex(dst []byte, name string, id []byte) []byte {
	return append(hex.AppendEncode(append(dst, name...), id), '"')
}

// appendHop writes the context of its hop records.
func (s *span) appendHop(dst []byte) []byte {
	dst = append(dst, s.encoded[:s.end.span]...)
	dst = append(dst, s.encoded[s.end.hop:]...)
	return append(dst, s.encoded[s.end.span:s.end.hop]...)
}

// appendShown writes what the console shows of it.
func (s *span) appendShown(dst []byte) []byte {
	dst = append(dst, s.encoded[:s.end.id]...)
	return append(dst, s.encoded[s.end.key:s.end.trace]...)
}

// identify is appendHop for a record that is encoded anew.
func (s *span) identify(r *record.Record) {
	r.CorrelationID, r.CorrelationKey = s.id, s.key
	r.TraceID, r.SpanID = s.trace.String(), s.self.String()
	if s.parent.IsValid() {
		r.ParentID = s.parent.String()
	}
	if s.hop != &s.own {
		r.HopID = s.hop.root.String()
	}
}
