package record

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrInvalid wraps every reason for which bytes are not a record.
var ErrInvalid = errors.New("not a record")

// minTime and maxTime bound @timestamp: Elasticsearch's date_nanos holds
// nanoseconds since 1970 in 63 bits.
var (
	minTime = time.Unix(0, 0)
	maxTime = time.Unix(0, 1<<63-1)
)

// Decode reads one record. Fields outside the contract are left out of the
// result (they stay in the bytes); a field of the contract with a wrong type,
// two equal keys, a missing @timestamp or event.id, a correlation.id
// without its key, or a time outside 1970–2262 is an error that wraps [ErrInvalid] and names the field.
func Decode(b []byte) (Record, error) {
	r, err := decode(b)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return r, nil
}

func decode(b []byte) (Record, error) {
	if len(b) > MaxBytes {
		return Record{}, fmt.Errorf("%d bytes, more than %d", len(b), MaxBytes)
	}
	r := Record{Raw: b}
	s := scanner{b: b}
	if err := s.object(maxFields, func(key string) error { return s.field(&r, key) }); err != nil {
		return Record{}, err
	}
	if s.peek() != 0 || s.i < len(b) {
		return Record{}, s.unexpected("the end")
	}
	switch {
	case r.Time.IsZero():
		return Record{}, errors.New("no @timestamp")
	case r.ID == "":
		return Record{}, errors.New("no event.id")
	case len(r.ID) > 512:
		return Record{}, errors.New("event.id is longer than 512 bytes, the most Elasticsearch takes")
	}
	if r.Sequence != 0 && r.ID == EventID(r.Node, r.Sequence) {
		r.ID = ""
	}
	if r.CorrelationID != "" {
		if !ValidID(r.CorrelationID) {
			return Record{}, fmt.Errorf("correlation.id is not 1 to %d visible ASCII characters", MaxIDLen)
		}
	}
	if r.CorrelationKey != Key(r.CorrelationID) { // without its key a record would be stored and never found
		return Record{}, fmt.Errorf("correlation.key is %q, want %q, the key of correlation.id", clip(r.CorrelationKey), Key(r.CorrelationID))
	}
	return r, nil
}

// Identity is the record's event.id.
func (r *Record) Identity() string {
	if r.ID != "" {
		return r.ID
	}
	return EventID(r.Node, r.Sequence)
}

func (s *scanner) field(r *Record, key string) (err error) {
	switch key {
	case "@timestamp":
		r.Time, err = s.timestamp()
	case "log.level":
		r.Level, err = s.str()
	case "message":
		r.Message, err = s.str()
	case "log.logger":
		r.Logger, err = s.str()
	case "log.origin.file.name":
		r.Origin.File, err = s.str()
	case "log.origin.file.line":
		err = s.int(&r.Origin.Line)
	case "log.origin.function":
		r.Origin.Function, err = s.str()
	case "waybill.kind":
		err = assign(&r.Kind, s)
	case "waybill.version":
		err = s.int(&r.Version)
	case "waybill.outcome":
		r.Declared, err = s.str()
	case "waybill.reason":
		r.Reason, err = s.str()
	case "expect.station":
		r.Expect.Station, err = s.str()
	case "expect.within":
		var n int64
		n, err = s.integer()
		r.Expect.Within = time.Duration(n)
	case "alias.name":
		r.Alias.Name, err = s.str()
	case "alias.value":
		r.Alias.Value, err = s.str()
	case "service.name":
		r.Service, err = s.str()
	case "service.version":
		r.ServiceVer, err = s.str()
	case "service.environment":
		r.Environment, err = s.str()
	case "service.node.name":
		r.Node, err = s.str()
	case "event.sequence":
		r.Sequence, err = s.count()
	case "event.id":
		r.ID, err = s.str()
	case "event.outcome":
		r.Outcome, err = s.str()
	case "event.duration":
		var n int64
		n, err = s.integer()
		r.Duration = time.Duration(n)
	case "correlation.id":
		r.CorrelationID, err = s.str()
	case "correlation.key":
		r.CorrelationKey, err = s.str()
	case "trace.id":
		r.TraceID, err = s.str()
	case "span.id":
		r.SpanID, err = s.str()
	case "parent.id":
		r.ParentID, err = s.str()
	case "hop.id":
		r.HopID, err = s.str()
	case "hop.sequence":
		r.HopSequence, err = s.count()
	case "hop.records":
		r.HopRecords, err = s.count()
	case "hop.sends":
		r.HopSends, err = s.count()
	case "span.name":
		r.SpanName, err = s.str()
	case "span.kind":
		r.SpanKind, err = s.str()
	case "http.request.method":
		r.HTTP.Method, err = s.str()
	case "http.route":
		r.HTTP.Route, err = s.str()
	case "url.path":
		r.HTTP.Path, err = s.str()
	case "http.response.status_code":
		err = s.int(&r.HTTP.Status)
	case "messaging.system":
		r.Messaging.System, err = s.str()
	case "messaging.operation.type":
		r.Messaging.Operation, err = s.str()
	case "messaging.destination.name":
		r.Messaging.Topic, err = s.str()
	case "messaging.destination.partition.id":
		err = s.partition(r)
	case "messaging.kafka.offset":
		r.Messaging.Offset, err = s.integer()
		r.Messaging.HasOffset = true
	case "messaging.consumer.group.name":
		r.Messaging.Group, err = s.str()
	case "messaging.message.attempt":
		err = s.int(&r.Messaging.Attempt)
	case "saga.id":
		r.Saga.ID, err = s.str()
	case "saga.step":
		r.Saga.Step, err = s.str()
	case "saga.phase":
		r.Saga.Phase, err = s.str()
	case "error.type":
		r.Error.Type, err = s.str()
	case "error.message":
		r.Error.Message, err = s.str()
	case "error.stack_trace":
		r.Error.Stack, err = s.str()
	case "links":
		err = s.array(maxLinks, func() error {
			var l Link
			if err := s.object(16, func(key string) error { return s.link(&l, key) }); err != nil {
				return err
			}
			r.Links = append(r.Links, l)
			return nil
		})
	case "labels":
		err = s.object(maxLabels, func(key string) error {
			value, err := s.str()
			r.Labels = append(r.Labels, Label{Key: key, Value: value})
			return err
		})
	default:
		err = s.skip(1)
	}
	return err
}

func (s *scanner) link(l *Link, key string) (err error) {
	switch key {
	case "trace.id":
		l.TraceID, err = s.str()
	case "span.id":
		l.SpanID, err = s.str()
	case "correlation.id":
		l.CorrelationID, err = s.str()
	default:
		err = s.skip(1)
	}
	return err
}

func (s *scanner) timestamp() (time.Time, error) {
	text, err := s.str()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not an RFC 3339 time", clip(text))
	}
	if !t.After(minTime) || t.After(maxTime) {
		return time.Time{}, fmt.Errorf("%q is outside 1970 to 2262", clip(text))
	}
	return t.UTC(), nil
}

func (s *scanner) partition(r *Record) error {
	text, err := s.str()
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return fmt.Errorf("%q is not a partition number", clip(text))
	}
	r.Messaging.Partition = int32(n)
	return nil
}

func (s *scanner) int(dst *int) error {
	n, err := s.integer()
	*dst = int(n)
	return err
}

func assign(dst *Kind, s *scanner) error {
	text, err := s.str()
	*dst = Kind(text)
	return err
}
