package intake

import (
	"fmt"
	"mime"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// OTLP serves /v1/logs and /v1/traces by
// https://opentelemetry.io/docs/specs/otlp/#otlphttp.
func (in *Intake) OTLP() http.Handler {
	mux := http.NewServeMux()
	for i := range signals {
		s := &signals[i]
		mux.HandleFunc("POST "+s.path, func(w http.ResponseWriter, r *http.Request) { in.otlp(w, r, s) })
	}
	return mux
}

func (in *Intake) otlp(w http.ResponseWriter, r *http.Request, s *signal) {
	l := in.memory.lease()
	defer l.release()
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	answer, err := func() (proto.Message, error) {
		if err := in.authorize(r.Header.Get("Authorization")); err != nil {
			return nil, err
		}
		if media != typeProtobuf && media != typeJSON {
			return nil, &refusal{status: http.StatusUnsupportedMediaType, detail: fmt.Sprintf("Content-Type %.64q: want %s or %s", media, typeProtobuf, typeJSON)}
		}
		body, err := in.body(w, r, l)
		if err != nil {
			return nil, err
		}
		return in.export(r.Context(), s, media, body, l)
	}()
	code := http.StatusOK
	if err != nil {
		no := in.refused(err)
		no.header(w.Header())
		code, answer = no.status, &status.Status{Code: int32(no.code()), Message: no.detail}
	}
	encode := proto.Marshal
	if media == typeJSON {
		encode = protojson.Marshal
	} else {
		media = typeProtobuf
	}
	b, err := encode(answer)
	if err != nil {
		in.log.ErrorContext(r.Context(), "answer cannot be encoded", "error", err)
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(code)
	w.Write(b)
}
