package api

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"

	"github.com/waybill-log/waybill/query"
)

const ndjson = "application/x-ndjson"

// exportTypes are the media types of the formats.
var exportTypes = map[string]string{"ndjson": ndjson, "otlp": ndjson, "html": "text/html; charset=utf-8"}

func (s *server) export() {
	op := get("/journeys/{id}/export", "export-journey", "A journey to take along")
	op.Description = "ndjson: its records as they were written, one a line. otlp: one OTLP JSON request a line, of logs or spans. " +
		"html: a page that needs nothing else, with a hash of each record. The trailer X-Waybill-Sha256 is the hash of the whole."
	op.Responses = content("The journey", map[string]*huma.MediaType{ndjson: {}, "text/html": {}})
	add(s, op, func(ctx context.Context, in *struct {
		Named
		Format string `query:"format" enum:"ndjson,otlp,html" default:"ndjson"`
	}) (*streamed, error) {
		return s.exported(ctx, in.ID, in.Format, true)
	})
}

// exported streams a journey, in memory that does not grow with it.
func (s *server) exported(ctx context.Context, id, format string, toKeep bool) (*streamed, error) {
	e, err := s.desk.Export(ctx, id)
	if err != nil {
		return nil, err
	}
	write := map[string]func(context.Context, io.Writer) error{"ndjson": e.NDJSON, "otlp": e.OTLP, "html": e.HTML}[format]
	return &streamed{AsOf: header(e.AsOf), Body: func(c huma.Context) {
		w := humaecho.Unwrap(c).Response()
		w.Header().Set("Content-Type", exportTypes[format])
		if toKeep {
			w.Header().Set("Content-Disposition", `attachment; filename="`+query.FileName(e.ID, format)+`"`)
		}
		w.Header().Set("Trailer", "X-Waybill-Sha256")
		c.SetStatus(http.StatusOK)
		sum := sha256.New()
		out := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
		s.cut(ctx, write(ctx, out))
		s.cut(ctx, out.Flush())
		w.Header().Set("X-Waybill-Sha256", hex.EncodeToString(sum.Sum(nil)))
	}}, nil
}
