package intake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // the compressor "gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// GRPC is a server of OTLP's LogsService and TraceService by
// https://opentelemetry.io/docs/specs/otlp/#otlpgrpc.
//
// Their method is registered as a stream of one message, which looks the same on
// the wire: so memory is taken before a message is read, not after.
func (in *Intake) GRPC() *grpc.Server {
	server := grpc.NewServer(
		grpc.ForceServerCodecV2(codec{}), grpc.MaxRecvMsgSize(in.cfg.MaxBytes), grpc.MaxHeaderListSize(32<<10),
		grpc.ConnectionTimeout(10*time.Second), grpc.MaxConcurrentStreams(128),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 5 * time.Minute}),
	)
	for i := range signals {
		s := &signals[i]
		server.RegisterService(&grpc.ServiceDesc{
			ServiceName: s.service, HandlerType: (*any)(nil),
			Streams: []grpc.StreamDesc{{
				StreamName: "Export", ClientStreams: true, ServerStreams: true,
				Handler: func(_ any, stream grpc.ServerStream) error { return in.rpc(stream, s) },
			}},
		}, in)
	}
	return server
}

func (in *Intake) rpc(stream grpc.ServerStream, s *signal) (err error) {
	defer func() { // net/http does so, grpc does not
		if p := recover(); p != nil {
			err = in.status(fmt.Errorf("panic: %v", p))
		}
	}()
	ctx := stream.Context()
	header := ""
	if all := metadata.ValueFromIncomingContext(ctx, "authorization"); len(all) > 0 {
		header = all[0]
	}
	if err := in.authorize(header); err != nil {
		return in.status(err)
	}
	l := in.memory.lease()
	defer l.release()
	if err := l.grow(in.cfg.MaxBytes); err != nil {
		return in.status(err)
	}
	body, err := in.receive(ctx, stream)
	if err != nil {
		return err
	}
	l.shrink(in.cfg.MaxBytes - len(body))
	answer, err := in.export(ctx, s, typeProtobuf, body, l)
	if err != nil {
		return in.status(err)
	}
	return stream.SendMsg(answer)
}

// receive reads the one message of a request. Its error is a status.
func (in *Intake) receive(ctx context.Context, stream grpc.ServerStream) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, in.cfg.ReadTimeout)
	defer cancel()
	var body []byte
	received := make(chan error, 1)
	go func() { received <- stream.RecvMsg(&body) }() // returns at the latest when the call has ended
	select {
	case err := <-received:
		return body, err
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

// status is a refusal in gRPC's terms.
func (in *Intake) status(err error) error {
	no := in.refused(err)
	s := status.New(no.code(), no.detail)
	if no.after > 0 {
		if with, err := s.WithDetails(protoadapt.MessageV1Of(&errdetails.RetryInfo{RetryDelay: durationpb.New(no.after)})); err == nil {
			s = with
		}
	}
	return s.Err()
}

// code is gRPC's for a refusal.
func (r *refusal) code() codes.Code {
	switch r.status {
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case statusBusy, statusAway:
		return codes.Unavailable
	case http.StatusRequestEntityTooLarge:
		return codes.ResourceExhausted
	case http.StatusInternalServerError:
		return codes.Internal
	default:
		return codes.InvalidArgument
	}
}

// codec hands requests over as bytes, which are looked at before they are decoded.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	body, ok := v.(*[]byte)
	if !ok {
		return errors.New("not a request")
	}
	*body = data.Materialize()
	return nil
}

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, errors.New("not an answer")
	}
	b, err := proto.Marshal(m)
	return mem.BufferSlice{mem.SliceBuffer(b)}, err
}
