package intake

import (
	"context"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// signal is a kind of telemetry that OTLP carries.
type signal struct {
	path, service string // of HTTP and of gRPC
	request       func() proto.Message
	mapping       func(*mapper, proto.Message) error
	answer        func(refused int64, why string) proto.Message
}

var signals = [...]signal{{
	path: "/v1/logs", service: collogs.LogsService_ServiceDesc.ServiceName,
	request: func() proto.Message { return new(collogs.ExportLogsServiceRequest) },
	mapping: func(m *mapper, req proto.Message) error { return m.logs(req.(*collogs.ExportLogsServiceRequest)) },
	answer: func(refused int64, why string) proto.Message {
		if refused == 0 {
			return &collogs.ExportLogsServiceResponse{}
		}
		return &collogs.ExportLogsServiceResponse{PartialSuccess: &collogs.ExportLogsPartialSuccess{RejectedLogRecords: refused, ErrorMessage: why}}
	},
}, {
	path: "/v1/traces", service: coltrace.TraceService_ServiceDesc.ServiceName,
	request: func() proto.Message { return new(coltrace.ExportTraceServiceRequest) },
	mapping: func(m *mapper, req proto.Message) error { return m.spans(req.(*coltrace.ExportTraceServiceRequest)) },
	answer: func(refused int64, why string) proto.Message {
		if refused == 0 {
			return &coltrace.ExportTraceServiceResponse{}
		}
		return &coltrace.ExportTraceServiceResponse{PartialSuccess: &coltrace.ExportTracePartialSuccess{RejectedSpans: refused, ErrorMessage: why}}
	},
}}

// Media types of OTLP/HTTP.
const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

// decode reads a request of one of the media types. It may change body. Its
// error is a *refusal.
func (s *signal) decode(media string, body []byte, l *lease) (proto.Message, error) {
	req := s.request()
	var seen survey
	var err error
	if media == typeJSON {
		err = seen.json(body)
	} else {
		err = seen.protobuf(req.ProtoReflect().Descriptor(), body, 0)
	}
	if err != nil {
		return nil, err
	}
	if err := l.grow(len(body) + seen.values*valueBytes); err != nil { // decoding copies every text
		return nil, err
	}
	if media == typeJSON {
		err = protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxNesting}.Unmarshal(body, req)
	} else {
		err = proto.UnmarshalOptions{RecursionLimit: 2 * maxNesting}.Unmarshal(body, req)
	}
	if err != nil {
		return nil, badRequest(err)
	}
	return req, nil
}

// export maps a request and ships it. Its error is a *refusal.
func (in *Intake) export(ctx context.Context, s *signal, media string, body []byte, l *lease) (proto.Message, error) {
	req, err := s.decode(media, body, l)
	if err != nil {
		return nil, err
	}
	m := &mapper{batch: in.batch(l), traces: in.traces, received: time.Now(), content: newDigest()}
	if err := s.mapping(m, req); err != nil {
		return nil, err
	}
	if err := in.ship(ctx, m.batch); err != nil {
		return nil, err
	}
	return s.answer(m.refused, m.why), nil
}
