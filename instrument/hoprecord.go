package instrument

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/waybill-log/waybill/record"
)

// read takes from a span what the records of its start and its end have in common,
// but for what it has encoded already. Records of hops stay on the stack: nothing
// here may keep r.
func (h *hops) read(r *record.Record, s sdktrace.ReadOnlySpan, opened *span, kind trace.SpanKind) {
	r.Level, r.SpanKind = "info", kind.String()
	if name := s.Name(); name != opened.name {
		opened.name, opened.shownName = name, h.in.redact.text(name)
	}
	r.SpanName = opened.shownName
	if opened.saga != nil {
		r.Saga = *opened.saga
	}
	for _, link := range s.Links() {
		if len(r.Links) == maxLinks {
			r.Labels = append(r.Labels, record.Label{Key: "waybill.cut", Value: "more than " + strconv.Itoa(maxLinks) + " links"})
			break
		}
		l := record.Link{TraceID: link.SpanContext.TraceID().String(), SpanID: link.SpanContext.SpanID().String()}
		for _, a := range link.Attributes {
			if a.Key == baggageMember {
				l.CorrelationID = a.Value.AsString()
			}
		}
		r.Links = append(r.Links, l)
	}
	e := opened.exchange
	if e != nil {
		r.HTTP = e.HTTP
		if e.address[0].Key != "" {
			r.Labels = e.address[:]
		}
	}
	for _, a := range s.Attributes() {
		if len(r.Labels) == maxLabels { // the SDK's own limit may be off
			r.Labels = append(r.Labels, record.Label{Key: "waybill.cut", Value: "more than " + strconv.Itoa(maxLabels) + " labels"})
			break
		}
		if e == nil || a.Key != addressLabel {
			h.setAttribute(r, a)
		}
	}
}

// write ships a hop record. One that is refused is counted by the shipper.
func (h *hops) write(r *record.Record, opened *span, last bool) {
	if !record.Datable(r.Time) {
		r.Labels = append(r.Labels, record.Label{Key: "waybill.time", Value: r.Time.Format(time.RFC3339Nano)})
		r.Time = time.Now()
	}
	c := calls.Get().(*call)
	b := record.AppendStart(c.record[:0], r.Time, r.Level, r.Message)
	b = append(b, h.in.service...)
	b = opened.appendHop(b)
	b = record.AppendDetails(b, r)
	if len(b)+tailBytes > record.MaxBytes {
		b = h.cut(b, *r, opened)
	}
	c.record = b
	_ = h.in.ship.accept(opened.key, laneError, opened.hop, last, b)
	c.done()
}

// cut encodes anew, and shorter, a record that is too long.
func (h *hops) cut(dst []byte, r record.Record, opened *span) []byte {
	whole := h.in.base(r.Time)
	r.Service, r.ServiceVer, r.Environment, r.Node = whole.Service, whole.ServiceVer, whole.Environment, whole.Node
	r.Labels = slices.Clone(r.Labels)
	opened.identify(&r)
	return record.Fit(dst, &r, tailBytes)
}

// setAttribute puts an attribute of the OpenTelemetry semantic conventions into
// its field; others become labels.
func (h *hops) setAttribute(r *record.Record, a attribute.KeyValue) {
	switch a.Key {
	case "http.request.method":
		r.HTTP.Method = a.Value.AsString()
	case "http.route":
		r.HTTP.Route = a.Value.AsString()
	case "url.path":
		r.HTTP.Path = h.in.redact.text(a.Value.AsString())
	case "url.full":
		if path, ok := pathOf(a.Value.AsString()); ok {
			r.HTTP.Path = h.in.redact.text(path)
		}
	case "http.response.status_code":
		r.HTTP.Status = int(a.Value.AsInt64())
	case "messaging.system":
		r.Messaging.System = a.Value.AsString()
	case "messaging.operation.type":
		r.Messaging.Operation = a.Value.AsString()
	case "messaging.destination.name":
		r.Messaging.Topic = a.Value.AsString()
	case attrPartition: // a string by the conventions, a number in some libraries
		if n, err := strconv.ParseInt(a.Value.String(), 10, 32); err == nil {
			r.Messaging.Partition = int32(n)
		}
	case attrOffset:
		r.Messaging.Offset, r.Messaging.HasOffset = a.Value.AsInt64(), true
	case "messaging.consumer.group.name":
		r.Messaging.Group = a.Value.AsString()
	case attrAttempt:
		r.Messaging.Attempt = int(a.Value.AsInt64())
	case "server.port", "network.peer.address", "network.peer.port", "client.address", "client.port",
		"network.protocol.version", "network.protocol.name", "url.scheme", "user_agent.original",
		"http.request.body.size", "http.response.body.size":
		// of the connection, not of the journey
	case "error.type":
		if kind := a.Value.String(); kind != strconv.Itoa(r.HTTP.Status) {
			r.Error.Type = kind
		}
	default:
		r.Labels = append(r.Labels, record.Label{Key: string(a.Key), Value: h.in.redact.value(string(a.Key), a.Value.String())})
	}
}

// value is the text under a key without its secrets.
func (r *redactor) value(key, text string) string {
	if r.key(key) {
		return redacted
	}
	return r.text(text)
}

// pathOf is the path of a URL. Most have nothing in them for which url.Parse is needed.
func pathOf(full string) (path string, ok bool) {
	if scheme, rest, found := strings.Cut(full, "://"); found && (scheme == "http" || scheme == "https") {
		at := 0
		for at < len(rest) && isHost(rest[at]) {
			at++
		}
		if at+1 < len(rest) && rest[at] == ':' {
			for at++; at < len(rest) && isDigit(rest[at]); {
				at++
			}
		}
		end := at
		for end < len(rest) && isPath(rest[end]) {
			end++
		}
		if end == len(rest) && at < end && rest[at] == '/' {
			return rest[at:], true
		}
	}
	u, err := url.Parse(full)
	if err != nil {
		return "", false
	}
	return u.Path, true
}

func isHost(c byte) bool { return isDigit(c) || isLetter(c) || c == '.' || c == '-' }

// isPath reports whether c stands in a path for itself.
func isPath(c byte) bool { return c > ' ' && c < 0x7F && c != '%' && c != '?' && c != '#' }
