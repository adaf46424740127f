package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds what a zstd decoder keeps; RFC 8878 §3.1.1.1.2 recommends
// that decoders support 8 MiB.
const maxWindow = 8 << 20

// body reads a whole request, decompressed, within its bounds. Its error is a
// *refusal.
func (in *Intake) body(w http.ResponseWriter, r *http.Request, l *lease) ([]byte, error) {
	// Not every writer has deadlines; the server's own then stand.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(in.cfg.ReadTimeout))
	var src io.Reader = http.MaxBytesReader(w, r.Body, int64(in.cfg.MaxBytes))
	switch encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(src)
		if err != nil {
			return nil, in.unreadable(err)
		}
		src = z
	case "zstd":
		if err := l.grow(maxWindow); err != nil {
			return nil, err
		}
		defer l.shrink(maxWindow)
		z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(uint64(max(in.cfg.MaxBytes, maxWindow))))
		if err != nil {
			return nil, in.unreadable(err)
		}
		defer z.Close()
		src = z
	default:
		w.Header().Set("Accept-Encoding", "gzip, zstd")
		return nil, &refusal{status: http.StatusUnsupportedMediaType, detail: fmt.Sprintf("Content-Encoding %.32q: want gzip, zstd or none", encoding)}
	}
	return in.read(src, l)
}

// read is io.ReadAll within MaxBytes.
func (in *Intake) read(src io.Reader, l *lease) ([]byte, error) {
	var b []byte
	for size := 64 << 10; ; size *= 2 {
		size = min(size, in.cfg.MaxBytes+bytes.MinRead)
		if err := l.grow(size); err != nil {
			return nil, err
		}
		old := cap(b)
		b = append(make([]byte, 0, size), b...)
		l.shrink(old)
		for len(b) < size {
			n, err := src.Read(b[len(b):size])
			b = b[:len(b)+n]
			switch {
			case len(b) > in.cfg.MaxBytes:
				return nil, in.tooLarge()
			case err == io.EOF: //nolint:errorlint // as io.ReadAll
				return b, nil
			case err != nil:
				return nil, in.unreadable(err)
			}
		}
	}
}

func (in *Intake) tooLarge() error {
	return &refusal{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("more than %d bytes when decompressed; send smaller requests", in.cfg.MaxBytes)}
}

func (in *Intake) unreadable(err error) error {
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrWindowSizeExceeded):
		return in.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{status: http.StatusRequestTimeout, detail: fmt.Sprintf("the request has not arrived within %v", in.cfg.ReadTimeout)}
	default:
		return &refusal{status: http.StatusBadRequest, detail: "the body cannot be read: " + err.Error()}
	}
}
