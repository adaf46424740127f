package query

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// journey answers GET /api/v1/journeys/:id.
func (s *server) journey(c echo.Context) error {
	id, err := pathParam(c, "id")
	if err != nil || !record.ValidID(id) {
		return &problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf("a correlation ID is 1 to %d visible ASCII characters", record.MaxIDLen)}
	}
	// The horizon is asked first: what is shipped while the store is read must
	// not be claimed to be in the answer.
	var asOf time.Time
	if s.cfg.Evidence != nil {
		if asOf, err = s.cfg.Evidence.AsOf(); err != nil {
			s.log.WarnContext(c.Request().Context(), "the horizon is not known", "error", err)
		}
		if !asOf.IsZero() {
			asOf = asOf.Add(-s.cfg.Reader.Lag())
		}
	}
	found, err := s.find(c.Request().Context(), id)
	if err != nil {
		return fmt.Errorf("read journey: %w", err)
	}
	switch {
	case len(found.candidates) > 0:
		return &problem{Status: http.StatusConflict, Detail: found.doubt, Candidates: found.candidates}
	case len(found.records) == 0:
		return &problem{Status: http.StatusNotFound, Detail: "no records of " + id + " have arrived" + through(asOf)}
	}
	ev := journey.Evidence{AsOf: asOf}
	if s.cfg.Evidence != nil {
		ev = s.cfg.Evidence.For(asOf, journey.Each(found.records))
	}
	ev.Partial = found.more
	return c.JSON(http.StatusOK, journey.Build(found.records, ev))
}

func through(asOf time.Time) string {
	if asOf.IsZero() {
		return ""
	}
	return " of what was shipped before " + record.FormatTime(asOf)
}

// pathParam is a path parameter as the caller meant it: echo matches on the
// escaped path where that says more than the plain one.
func pathParam(c echo.Context, name string) (string, error) {
	if c.Request().URL.RawPath == "" {
		return c.Param(name), nil
	}
	return url.PathUnescape(c.Param(name))
}
