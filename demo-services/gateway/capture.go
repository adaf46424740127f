package gateway

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// capture holds back an answer that may be kept, until it is whole. All others,
// streams and too large ones among them, it passes through.
type capture struct {
	http.ResponseWriter // the caller's
	c                   echo.Context
	asked               *http.Request // as it came, conditions included
	limit               int
	status              int // zero: not yet known
	rule                rule
	fresh               time.Duration
	held                bool
	body                bytes.Buffer
}

func newCapture(c echo.Context, limit int) *capture {
	return &capture{ResponseWriter: c.Response().Writer, c: c, asked: c.Request(), limit: limit}
}

// record calls next without the caller's conditions: the answer is for others too.
func (w *capture) record(next echo.HandlerFunc) error {
	r := w.asked.WithContext(w.asked.Context())
	r.Header = w.asked.Header.Clone()
	for _, name := range []string{"If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range"} {
		r.Header.Del(name)
	}
	w.c.SetRequest(r)
	w.c.Response().Writer = w
	defer func() { w.c.Response().Writer = w.ResponseWriter }()
	return next(w.c)
}

// WriteHeader implements http.ResponseWriter.
func (w *capture) WriteHeader(status int) {
	if status < http.StatusOK { // there is another one to come
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.status = status
	who, known := credential.From(w.asked.Context())
	var ok bool
	w.rule, w.fresh, ok = ruleOf(w.Header(), known && who.Subject != "")
	length, _ := strconv.Atoi(w.Header().Get("Content-Length"))
	w.rule.pass = w.rule.pass || length > w.limit
	if w.held = ok && status == http.StatusOK && length <= w.limit; !w.held {
		w.Header().Set(headerCache, "bypass")
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *capture) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.held && w.body.Len()+len(p) > w.limit {
		if err := w.release(); err != nil {
			return 0, err
		}
	}
	if w.held {
		return w.body.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// release lets go an answer that has become too large.
func (w *capture) release() error {
	w.held, w.rule.pass = false, true
	w.Header().Set(headerCache, "bypass")
	w.ResponseWriter.WriteHeader(w.status)
	_, err := w.ResponseWriter.Write(w.body.Bytes())
	return err
}

// FlushError implements what http.ResponseController asks for.
func (w *capture) FlushError() error {
	if w.held {
		return nil
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// entry is the answer that was held back; nil: it has been passed through. The
// response is as before it, to be answered with the entry.
func (w *capture) entry(c echo.Context) *entry {
	if !w.held {
		return nil
	}
	h := http.Header{}
	for _, name := range []string{"Content-Type", "Content-Language", "Content-Encoding", "Cache-Control", "Etag", "Last-Modified", "Vary", "Link"} {
		if values := w.Header()[name]; len(values) > 0 {
			h[name] = append([]string(nil), values...)
		}
	}
	if h.Get("ETag") == "" {
		sum := sha256.Sum256(w.body.Bytes())
		h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	}
	w.Header().Del("Content-Length")
	c.Response().Committed, c.Response().Size = false, 0
	return &entry{rule: w.rule, header: h, body: w.body.Bytes(), at: time.Now(), fresh: w.fresh}
}
