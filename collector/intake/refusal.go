package intake

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// refusal is an error for the caller.
type refusal struct {
	status int // of HTTP
	detail string
	after  time.Duration // after which the same request may pass; 0: never
}

func (r *refusal) Error() string { return r.detail }

// What may pass later, by https://opentelemetry.io/docs/specs/otlp/#failures-1.
const (
	statusBusy = http.StatusTooManyRequests
	statusAway = http.StatusServiceUnavailable
	retryBusy  = time.Second
	retryAway  = 5 * time.Second
)

// refused is what is said of an error outside.
func (in *Intake) refused(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	in.log.Error("request failed", "error", err)
	return &refusal{status: http.StatusInternalServerError, detail: "internal error; the collector's log says more"}
}

// header is what HTTP says of a refusal beside its body.
func (r *refusal) header(h http.Header) {
	if r.after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(r.after/time.Second)))
	}
	if r.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="waybill"`)
	}
}

// authorize demands the token (RFC 6750). Its error is a *refusal.
func (in *Intake) authorize(header string) error {
	if in.cfg.Token == "" {
		return nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(in.cfg.Token)) != 1 {
		return &refusal{status: http.StatusUnauthorized, detail: "this server wants a token: send it as Authorization: Bearer …"}
	}
	return nil
}
