package record

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
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
// result (they stay in the bytes). An error wraps [ErrInvalid] and names the field: a
// field of the contract has a wrong type, or is written as an object or inside
// another field than it belongs to, two keys are equal, @timestamp or event.id is missing, a
// correlation.id is without its key, or a time is outside 1970–2262.
func Decode(b []byte) (Record, error) {
	r, err := read(b, decoding)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if r.Sequence != 0 && r.ID == EventID(r.Node, r.Sequence) {
		r.ID = ""
	}
	return r, nil
}

// Stub is what a store must know of a record. Its texts share the memory of the
// bytes that were scanned.
type Stub struct {
	ID    string    // event.id
	Key   string    // correlation.key; empty outside any journey
	Trace string    // trace.id; empty outside any trace
	Time  time.Time // @timestamp
}

// Scan checks a record as [Decode] does and fails where that does, but reads no
// more than the stub, and allocates nothing for a record as [Append] writes it.
func Scan(b []byte) (Stub, error) {
	r, err := read(b, checking)
	if err != nil {
		return Stub{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return Stub{ID: r.ID, Key: r.CorrelationKey, Trace: r.TraceID, Time: r.Time}, nil
}

// View reads what [Decode] does, but for labels. The record's texts share b's memory.
func View(b []byte) (Record, error) {
	r, err := read(b, viewing)
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return r, nil
}

func read(b []byte, how reading) (Record, error) {
	if len(b) > MaxBytes {
		return Record{}, fmt.Errorf("%d bytes, more than %d", len(b), MaxBytes)
	}
	r := Record{Raw: b}
	s := newScanner(b, how)
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
	if r.CorrelationID != "" {
		if !ValidID(r.CorrelationID) {
			return Record{}, fmt.Errorf("correlation.id is not 1 to %d visible ASCII characters", MaxIDLen)
		}
	}
	if r.CorrelationKey == r.CorrelationID && canonical(r.CorrelationID) {
		return r, nil
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
		r.Level, err = s.text()
	case "message":
		r.Message, err = s.text()
	case "log.logger":
		r.Logger, err = s.text()
	case "log.origin.file.name":
		r.Origin.File, err = s.text()
	case "log.origin.file.line":
		err = s.int(&r.Origin.Line)
	case "log.origin.function":
		r.Origin.Function, err = s.text()
	case "waybill.kind":
		err = assign(&r.Kind, s)
	case "waybill.version":
		err = s.int(&r.Version)
	case "waybill.outcome":
		r.Declared, err = s.text()
	case "waybill.reason":
		r.Reason, err = s.text()
	case "expect.station":
		r.Expect.Station, err = s.text()
	case "expect.within":
		var n int64
		n, err = s.integer()
		r.Expect.Within = time.Duration(n)
	case "alias.name":
		r.Alias.Name, err = s.text()
	case "alias.value":
		r.Alias.Value, err = s.text()
	case "service.name":
		r.Service, err = s.text()
	case "service.version":
		r.ServiceVer, err = s.text()
	case "service.environment":
		r.Environment, err = s.text()
	case "service.node.name":
		r.Node, err = s.text()
	case "event.sequence":
		r.Sequence, err = s.count()
	case "event.id":
		r.ID, err = s.str()
	case "event.outcome":
		r.Outcome, err = s.text()
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
		r.SpanID, err = s.text()
	case "parent.id":
		r.ParentID, err = s.text()
	case "hop.id":
		r.HopID, err = s.text()
	case "hop.sequence":
		r.HopSequence, err = s.count()
	case "hop.records":
		r.HopRecords, err = s.count()
	case "hop.sends":
		r.HopSends, err = s.count()
	case "span.name":
		r.SpanName, err = s.text()
	case "span.kind":
		r.SpanKind, err = s.text()
	case "http.request.method":
		r.HTTP.Method, err = s.text()
	case "http.route":
		r.HTTP.Route, err = s.text()
	case "url.path":
		r.HTTP.Path, err = s.text()
	case "http.response.status_code":
		err = s.int(&r.HTTP.Status)
	case "messaging.system":
		r.Messaging.System, err = s.text()
	case "messaging.operation.type":
		r.Messaging.Operation, err = s.text()
	case "messaging.destination.name":
		r.Messaging.Topic, err = s.text()
	case "messaging.destination.partition.id":
		err = s.partition(r)
	case "messaging.kafka.offset":
		r.Messaging.Offset, err = s.integer()
		r.Messaging.HasOffset = true
	case "messaging.consumer.group.name":
		r.Messaging.Group, err = s.text()
	case "messaging.message.attempt":
		err = s.int(&r.Messaging.Attempt)
	case "saga.id":
		r.Saga.ID, err = s.text()
	case "saga.step":
		r.Saga.Step, err = s.text()
	case "saga.phase":
		r.Saga.Phase, err = s.text()
	case "error.type":
		r.Error.Type, err = s.text()
	case "error.message":
		r.Error.Message, err = s.text()
	case "error.stack_trace":
		r.Error.Stack, err = s.text()
	case "links":
		err = s.array(maxLinks, func() error {
			var l Link
			if err := s.object(16, func(key string) error { return s.link(&l, key) }); err != nil {
				return err
			}
			if s.how != checking {
				r.Links = append(r.Links, l)
			}
			return nil
		})
	case "labels":
		err = s.object(maxLabels, func(key string) error {
			if strings.IndexByte(key, 0) >= 0 {
				return errors.New("a key with NUL, which Elasticsearch refuses")
			}
			value, err := s.text()
			if s.how == decoding {
				r.Labels = append(r.Labels, Label{Key: strings.Clone(key), Value: value})
			}
			return err
		})
	default:
		err = s.foreign(key)
	}
	return err
}

// foreign consumes a field outside the contract. It refuses what Elasticsearch would
// take for another field than it is, or would store where no search finds it.
func (s *scanner) foreign(key string) error {
	switch {
	case key == "":
		return errors.New("a field without a name, which Elasticsearch refuses")
	case strings.HasPrefix(key, "labels."):
		return errors.New("want it inside labels, where searches find it")
	case s.peek() == '{' && families[key]:
		return fmt.Errorf(`fields are written flat: want "%s.…": …, not "%s": {…}`, key, key)
	}
	return s.skip(1)
}

// families are the first words of the contract's field names.
var families = map[string]bool{
	"alias": true, "correlation": true, "error": true, "event": true, "expect": true, "hop": true, "http": true, "log": true, "messaging": true,
	"parent": true, "saga": true, "service": true, "span": true, "trace": true, "url": true, "waybill": true,
}

func (s *scanner) link(l *Link, key string) (err error) {
	switch key {
	case "trace.id":
		l.TraceID, err = s.text()
	case "span.id":
		l.SpanID, err = s.text()
	case "correlation.id":
		l.CorrelationID, err = s.text()
	default:
		err = s.skip(1)
	}
	return err
}

func (s *scanner) timestamp() (time.Time, error) {
	text, err := s.key()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || strings.IndexByte(text, ',') >= 0 || fraction(text) > 9 {
		return time.Time{}, fmt.Errorf("%q is not an RFC 3339 time", clip(text))
	}
	if !t.After(minTime) || t.After(maxTime) {
		return time.Time{}, fmt.Errorf("%q is outside 1970 to 2262", clip(text))
	}
	return t.UTC(), nil
}

// fraction counts the digits of a time's fraction: Elasticsearch takes nine.
func fraction(text string) int {
	point := strings.IndexByte(text, '.')
	if point < 0 {
		return 0
	}
	end := point + 1
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	return end - point - 1
}

func (s *scanner) partition(r *Record) error {
	text, err := s.key()
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
