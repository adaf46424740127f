package query

import (
	"fmt"
	"net/http"
	"net/url"

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
	ev := journey.Evidence{}
	if s.cfg.Horizon != nil {
		if ev.AsOf, err = s.cfg.Horizon(); err != nil {
			s.log.WarnContext(c.Request().Context(), "the horizon is not known", "error", err)
		}
		if !ev.AsOf.IsZero() {
			ev.AsOf = ev.AsOf.Add(-s.cfg.Reader.Lag())
		}
	}
	found, err := s.find(c.Request().Context(), id)
	if err != nil {
		return fmt.Errorf("read journey: %w", err)
	}
	ev.Partial = found.more
	switch {
	case len(found.candidates) > 0:
		return &problem{Status: http.StatusConflict, Detail: found.doubt, Candidates: found.candidates}
	case len(found.records) == 0:
		return &problem{Status: http.StatusNotFound, Detail: "no records of " + id + " have arrived" + through(ev)}
	}
	return c.JSON(http.StatusOK, journey.Build(found.records, ev))
}

func through(ev journey.Evidence) string {
	if ev.AsOf.IsZero() {
		return ""
	}
	return " of what was shipped before " + record.FormatTime(ev.AsOf)
}

// pathParam is a path parameter as the caller meant it: echo matches on the
// escaped path where that says more than the plain one.
func pathParam(c echo.Context, name string) (string, error) {
	if c.Request().URL.RawPath == "" {
		return c.Param(name), nil
	}
	return url.PathUnescape(c.Param(name))
}
