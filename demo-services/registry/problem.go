package registry

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/waybill-log/waybill/instrument"
)

// problem is RFC 9457.
type problem struct {
	Type          string `json:"type"`
	Title         string `json:"title"`
	Status        int    `json:"status"`
	Detail        string `json:"detail"`
	CorrelationID string `json:"correlation_id,omitempty"`
}

var (
	errNoPath     = errors.New("there is nothing at this path, or not for this method")
	errNoInstance = errors.New("no instance of that ID is registered")
	errNoService  = errors.New("no service of that name was ever registered")
	errNotJSON    = errors.New("the body must be application/json")
)

// refuse says what is wrong; of what is wrong inside, only that.
func (r *Registry) refuse(w http.ResponseWriter, req *http.Request, err error) {
	var long *http.MaxBytesError
	status, text := http.StatusInternalServerError, "internal error"
	switch {
	case errors.Is(err, errNoPath), errors.Is(err, errNoInstance), errors.Is(err, errNoService):
		status, text = http.StatusNotFound, err.Error()
	case errors.Is(err, errNotJSON):
		status, text = http.StatusUnsupportedMediaType, err.Error()
	case errors.As(err, &long):
		status, text = http.StatusRequestEntityTooLarge, fmt.Sprintf("the body has more than %d bytes", long.Limit)
	case errors.Is(err, ErrInvalid):
		status, text = http.StatusBadRequest, err.Error()
	case errors.Is(err, ErrFull):
		status, text = http.StatusServiceUnavailable, err.Error()
		w.Header().Set("Retry-After", "5")
	default:
		r.log.ErrorContext(req.Context(), "request failed", "path", req.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	p := problem{"about:blank", http.StatusText(status), status, text, instrument.CorrelationID(req.Context())}
	replyJSON(w, status, p) //nolint:errcheck // strings are always encoded
}
