package intake

import (
	"cmp"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/waybill-log/waybill/record"
)

// Bounds on one record, which are instrument's; what is over is cut and marked.
const (
	maxMessage = 256 << 10 // bytes as encoded
	maxValue   = 32 << 10  // bytes as encoded, of a label
	maxName    = 2 << 10   // bytes of any other field: Elasticsearch takes 32,766 of a keyword
	maxKey     = 256       // bytes
	maxLabels  = 512
	maxLinks   = 512
	manyBytes  = 256 << 10 // of labels, after which values are cut to shortValue
	shortValue = 1 << 10
)

// draft is a record in the making.
type draft struct {
	record.Record
	claim    claim
	resource bool   // attributes are those of a resource or scope
	uid      string // what its sender calls it
	undated  bool   // Time is that of receipt
	content  digest // where it has no ID yet
	bytes    int    // of labels
	cuts     []string

	partition, offset string // of a message: one without the other is no place
}

// from begins with what another draft holds, in the memory that this one has.
func (d *draft) from(base *draft) {
	old := *d
	*d = *base
	d.Labels, d.Links, d.cuts = old.Labels[:0], old.Links[:0], old.cuts[:0]
	d.Labels = append(d.Labels, base.Labels...)
	d.cuts = append(d.cuts, base.cuts...)
}

// take puts attributes into the fields they belong in.
func (d *draft) take(attributes []*common.KeyValue) {
	for _, a := range attributes {
		flatten(a.GetKey(), a.GetValue(), 0, d.set)
	}
}

// set puts one attribute into its field: names of the OpenTelemetry semantic
// conventions, former ones included, and of ECS. Others become labels.
func (d *draft) set(key, value string) {
	d.claim.note(key, value, d.resource)
	name := func(field *string) { *field = record.Cut(value, maxName) }
	switch key {
	case attrCorrelationID:
	case "log.record.uid":
		if d.resource { // it would be that of all its records
			d.label(key, value)
		} else {
			d.uid = value
		}

	case "service.name":
		name(&d.Service)
	case "service.version":
		name(&d.ServiceVer)
	case "deployment.environment.name", "deployment.environment", "service.environment":
		name(&d.Environment)
	case "service.instance.id", "service.node.name":
		name(&d.Node)

	case "log.logger":
		name(&d.Logger)
	case "code.file.path", "code.filepath", "log.origin.file.name":
		name(&d.Origin.File)
	case "code.function.name", "code.function", "log.origin.function":
		name(&d.Origin.Function)
	case "code.line.number", "code.lineno", "log.origin.file.line":
		d.count(key, value, &d.Origin.Line)

	case "exception.type", "error.type":
		name(&d.Error.Type)
	case "exception.message", "error.message":
		d.Error.Message = value
	case "exception.stacktrace", "error.stack_trace":
		d.Error.Stack = value

	case "http.request.method", "http.method":
		name(&d.HTTP.Method)
	case "http.route":
		name(&d.HTTP.Route)
	case "http.response.status_code", "http.status_code":
		d.count(key, value, &d.HTTP.Status)
	case "url.path":
		name(&d.HTTP.Path)
	case "http.target":
		value, _, _ = strings.Cut(value, "?")
		name(&d.HTTP.Path)
	case "url.full", "http.url":
		u, err := url.Parse(value)
		if err != nil {
			d.label(key, value)
			break
		}
		value = u.Path
		name(&d.HTTP.Path)

	case "messaging.system":
		name(&d.Messaging.System)
	case "messaging.operation.type", "messaging.operation":
		if value == "publish" { // until 1.27
			value = "send"
		}
		name(&d.Messaging.Operation)
	case "messaging.destination.name", "messaging.destination":
		name(&d.Messaging.Topic)
	case "messaging.consumer.group.name", "messaging.kafka.consumer.group":
		name(&d.Messaging.Group)
	case "messaging.destination.partition.id", "messaging.kafka.destination.partition", "messaging.kafka.partition":
		d.partition = value
	case "messaging.kafka.offset", "messaging.kafka.message.offset":
		d.offset = value
	case "messaging.message.attempt":
		d.count(key, value, &d.Messaging.Attempt)
	case "messaging.client_id":
		d.label("messaging.client.id", value)

	default:
		d.label(key, value)
	}
}

// count puts a number into its field. Anything else is a label.
func (d *draft) count(key, value string, field *int) {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		d.label(key, value)
		return
	}
	*field = int(n)
}

func (d *draft) label(key, value string) {
	if len(d.Labels) == maxLabels {
		d.cut("more than " + strconv.Itoa(maxLabels) + " labels")
		return
	}
	limit := maxValue
	if d.bytes > manyBytes {
		limit = shortValue
	}
	l := record.Label{Key: record.Cut(key, maxKey), Value: record.Bounded(value, limit)}
	d.bytes += len(l.Key) + len(l.Value)
	d.Labels = append(d.Labels, l)
}

// cut notes what was left out.
func (d *draft) cut(what string) {
	if !slices.Contains(d.cuts, what) {
		d.cuts = append(d.cuts, what)
	}
}

// text bounds a long text of a record's own.
func (d *draft) text(what string, field *string) {
	if kept := record.Bounded(*field, maxMessage); kept != *field {
		*field = kept
		d.cut(what)
	}
}

// at sets the time: the first that a record can carry, else that of receipt.
func (d *draft) at(received time.Time, told ...time.Time) {
	for _, t := range told {
		if record.Datable(t) {
			d.Time = t
			return
		}
		if !t.IsZero() {
			d.label("waybill.time", t.UTC().Format(time.RFC3339Nano))
		}
	}
	d.Time, d.undated = received, true
}

// nanos is a time of OTLP; zero if there is none.
func nanos(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(int64(n/1e9), int64(n%1e9))
}

// spanIDs sets where the record belongs. An ID that is none becomes a label.
func (d *draft) spanIDs(trace, span []byte) {
	d.TraceID, d.SpanID = hexID(trace, 16), hexID(span, 8)
	for _, id := range [...]struct {
		given []byte
		taken string
	}{{trace, d.TraceID}, {span, d.SpanID}} {
		if id.taken == "" && len(id.given) > 0 && slices.Max(id.given) > 0 {
			d.label("waybill.trace", "not a trace or span ID: "+hex.EncodeToString(id.given[:min(len(id.given), 32)]))
		}
	}
	if d.TraceID == "" {
		d.SpanID = ""
	}
}

// hexID is the text of an ID of size bytes; empty if it is none, or zero.
func hexID(id []byte, size int) string {
	if len(id) == 2*size*3/4 { // OTLP's JSON has hexadecimal digits where protobuf's has base64
		digits := make([]byte, 0, 2*size)
		var err error
		if id, err = hex.DecodeString(string(appendBase64(digits, id))); err != nil {
			return ""
		}
	}
	if len(id) != size || slices.Max(id) == 0 {
		return ""
	}
	return hex.EncodeToString(id)
}

// finish settles what depends on several attributes, and bounds the texts.
func (d *draft) finish() {
	partition, err := strconv.ParseInt(d.partition, 10, 32)
	offset, err2 := strconv.ParseInt(d.offset, 10, 64)
	switch {
	case err == nil && err2 == nil && partition >= 0 && offset >= 0:
		d.Messaging.Partition, d.Messaging.Offset, d.Messaging.HasOffset = int32(partition), offset, true
	default:
		for _, half := range [...]record.Label{{Key: "messaging.destination.partition.id", Value: d.partition}, {Key: "messaging.kafka.offset", Value: d.offset}} {
			if half.Value != "" {
				d.label(half.Key, half.Value)
			}
		}
	}
	if d.HTTP.Status != 0 && d.Error.Type == strconv.Itoa(d.HTTP.Status) { // by the conventions of HTTP, which says nothing more
		d.Error.Type = ""
	}
	d.text("message", &d.Message)
	d.text("error.message", &d.Error.Message)
	d.text("error.stack_trace", &d.Error.Stack)
	if len(d.cuts) > 0 {
		d.Labels = append(d.Labels, record.Label{Key: "waybill.cut", Value: strings.Join(d.cuts, ", ")})
	}
}

// correlate gives a record its correlation ID, and learns from it.
func (t *traces) correlate(d *draft) {
	id, refused := d.claim.id()
	t.learn(d.TraceID, id)
	if refused != "" {
		d.Labels = append(d.Labels, record.Label{Key: "waybill.correlation", Value: refused})
	}
	d.CorrelationID = cmp.Or(id, t.of(d.TraceID), d.TraceID)
}
