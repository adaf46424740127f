package instrument

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
)

// What is here follows the OpenTelemetry semantic conventions for HTTP 1.43, with
// the choices of otelhttp where they leave one.

// addressLabel is the attribute that is a label of hops too.
const addressLabel = "server.address"

// knownMethod is a request's method as attributes name it; original is what it
// was, where that is something else. None is GET, as net/http has it.
func knownMethod(method string) (known, original string) {
	switch method {
	case "":
		return http.MethodGet, ""
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodConnect, http.MethodOptions, http.MethodTrace:
		return method, ""
	}
	if upper := strings.ToUpper(method); upper != method {
		if known, other := knownMethod(upper); other == "" {
			return known, method
		}
	}
	return "_OTHER", method
}

// splitHostPort takes a host from "host", "[host]" and either with a port; port
// is 0 where there is none.
func splitHostPort(hostport string) (host string, port int) {
	colon := strings.LastIndexByte(hostport, ':')
	if colon < 0 || colon < strings.IndexByte(hostport, ']') {
		return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]"), 0
	}
	host, digits, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", 0
	}
	p, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return host, 0
	}
	return host, int(p)
}

// unusual is a port, 0 where it is the scheme's own.
func unusual(port int, https bool) int {
	if https && port == 443 || !https && port == 80 {
		return 0
	}
	return port
}

func appendMethod(attrs []attribute.KeyValue, method string) []attribute.KeyValue {
	known, original := knownMethod(method)
	attrs = append(attrs, semconv.HTTPRequestMethodKey.String(known))
	if original != "" {
		attrs = append(attrs, semconv.HTTPRequestMethodOriginal(original))
	}
	return attrs
}

func appendAddress(attrs []attribute.KeyValue, hostport string, https bool) []attribute.KeyValue {
	host, port := splitHostPort(hostport)
	attrs = append(attrs, semconv.ServerAddress(host))
	if port = unusual(port, https); port > 0 {
		attrs = append(attrs, semconv.ServerPort(port))
	}
	return attrs
}

func appendProtocol(attrs []attribute.KeyValue, proto string) []attribute.KeyValue {
	name, version, _ := strings.Cut(proto, "/")
	if name = strings.ToLower(name); name != "" && name != "http" {
		attrs = append(attrs, semconv.NetworkProtocolName(name))
	}
	if version != "" {
		attrs = append(attrs, semconv.NetworkProtocolVersion(version))
	}
	return attrs
}

func urlScheme(https bool) attribute.KeyValue {
	if https {
		return semconv.URLScheme("https")
	}
	return semconv.URLScheme("http")
}

func appendText(attrs []attribute.KeyValue, key attribute.Key, value string) []attribute.KeyValue {
	if value == "" {
		return attrs
	}
	return append(attrs, key.String(value))
}

// serverAttributes are those of a request that has come.
func serverAttributes(r *http.Request) []attribute.KeyValue {
	attrs := make([]attribute.KeyValue, 0, 14)
	attrs = appendMethod(attrs, r.Method)
	attrs = append(appendAddress(attrs, r.Host, r.TLS != nil), urlScheme(r.TLS != nil))
	peer, port := splitHostPort(r.RemoteAddr)
	client, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
	if client == "" {
		client = peer
	}
	attrs = appendText(attrs, semconv.NetworkPeerAddressKey, peer)
	if port > 0 {
		attrs = append(attrs, semconv.NetworkPeerPort(port))
	}
	attrs = appendText(attrs, semconv.UserAgentOriginalKey, r.UserAgent())
	attrs = appendText(attrs, semconv.ClientAddressKey, client)
	attrs = appendText(attrs, semconv.URLPathKey, r.URL.Path)
	attrs = appendText(attrs, semconv.HTTPRouteKey, route(r.Pattern))
	return appendProtocol(attrs, r.Proto)
}

// responseAttributes are those of the response to it.
func responseAttributes(status int, read, written int64) []attribute.KeyValue {
	attrs := append(make([]attribute.KeyValue, 0, 3), semconv.HTTPResponseStatusCode(status))
	if read > 0 {
		attrs = append(attrs, semconv.HTTPRequestBodySize(int(read)))
	}
	if written > 0 {
		attrs = append(attrs, semconv.HTTPResponseBodySize(int(written)))
	}
	return attrs
}

// clientAttributes are those of a request being made.
func clientAttributes(r *http.Request) []attribute.KeyValue {
	attrs := appendMethod(make([]attribute.KeyValue, 0, 10), r.Method)
	u := *r.URL
	u.User = nil // a password
	attrs = append(attrs, semconv.URLFull(u.String()))
	return appendProtocol(appendAddress(attrs, host(r), u.Scheme == "https"), r.Proto)
}

func host(r *http.Request) string { return first(r.URL.Host, r.Host) }

// answerAttributes are those of the response to it.
func answerAttributes(res *http.Response) []attribute.KeyValue {
	attrs := append(make([]attribute.KeyValue, 0, 4), semconv.HTTPResponseStatusCode(res.StatusCode))
	if _, _, failed := clientFailure(res.StatusCode); failed {
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(res.StatusCode)))
	}
	return appendProtocol(attrs, res.Proto)
}

// serverFailure is what a status says of the hop that answered with it.
func serverFailure(status int) (code codes.Code, text string, failed bool) {
	return failedFrom(status, http.StatusInternalServerError)
}

// clientFailure is what it says of the call.
func clientFailure(status int) (code codes.Code, text string, failed bool) {
	return failedFrom(status, http.StatusBadRequest)
}

func failedFrom(status, from int) (code codes.Code, text string, failed bool) {
	if status < 100 || status >= 600 {
		return codes.Error, fmt.Sprintf("Invalid HTTP status code %d", status), true
	}
	return codes.Error, "", status >= from
}

// duration is the histogram of how long requests take. Where OpenTelemetry's
// MeterProvider is none, nothing is put together for it.
type duration struct{ metric.Float64Histogram }

var bounds = metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

func meter() metric.Meter {
	return otel.GetMeterProvider().Meter("github.com/waybill-log/waybill/instrument")
}

func serverDuration() duration {
	h, err := httpconv.NewServerRequestDuration(meter(), bounds)
	if err != nil {
		otel.Handle(err)
	}
	return duration{h.Inst()}
}

func clientDuration() duration {
	h, err := httpconv.NewClientRequestDuration(meter(), bounds)
	if err != nil {
		otel.Handle(err)
	}
	return duration{h.Inst()}
}

func (d duration) record(ctx context.Context, began time.Time, attrs []attribute.KeyValue) {
	d.Record(ctx, time.Since(began).Seconds(), metric.WithAttributeSet(attribute.NewSet(attrs...)))
}

// serverMeasured are the attributes of a request served that a metric can have.
func serverMeasured(r *http.Request, status int) []attribute.KeyValue {
	known, _ := knownMethod(r.Method)
	attrs := append(make([]attribute.KeyValue, 0, 9), semconv.HTTPRequestMethodKey.String(known), urlScheme(r.TLS != nil), semconv.HTTPResponseStatusCode(status))
	attrs = appendText(attrs, semconv.HTTPRouteKey, route(r.Pattern))
	if _, _, failed := serverFailure(status); failed {
		attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(status)))
	}
	return appendProtocol(appendAddress(attrs, r.Host, r.TLS != nil), r.Proto)
}

// clientMeasured are those of a request made. res is nil where err is not.
func clientMeasured(r *http.Request, res *http.Response, err error) []attribute.KeyValue {
	known, _ := knownMethod(r.Method)
	attrs := append(make([]attribute.KeyValue, 0, 9), semconv.HTTPRequestMethodKey.String(known), urlScheme(r.URL.Scheme == "https"))
	attrs = appendAddress(attrs, host(r), r.URL.Scheme == "https")
	if err != nil {
		return append(attrs, semconv.ErrorType(err))
	}
	return append(attrs, answerAttributes(res)...)
}
