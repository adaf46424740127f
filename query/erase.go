package query

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/record"
)

// erase answers DELETE /api/v1/journeys/:id: from now on no answer shows the
// journey's records, nor those of services without a correlation ID that are part of it.
func (s *server) erase(c echo.Context) error {
	id, err := pathParam(c, "id")
	if err != nil || !record.ValidID(id) {
		return &problem{Status: http.StatusBadRequest, Detail: fmt.Sprintf("a correlation ID is 1 to %d visible ASCII characters", record.MaxIDLen)}
	}
	found, err := s.find(c.Request().Context(), id)
	if err != nil {
		return fmt.Errorf("read journey: %w", err)
	}
	switch {
	case len(found.candidates) > 0:
		return &problem{Status: http.StatusConflict, Detail: found.doubt, Candidates: found.candidates}
	case len(found.records) == 0:
		return &problem{Status: http.StatusNotFound, Detail: "no records of " + id + " have arrived"}
	}
	var keys []string
	seen := map[string]bool{}
	for i := range found.records {
		if key := found.records[i].CorrelationKey; !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	if err := s.cfg.Erase(c.Request().Context(), keys); err != nil {
		return fmt.Errorf("erase journey: %w", err)
	}
	s.log.InfoContext(c.Request().Context(), "journey erased", "erased_id", id)
	return c.NoContent(http.StatusNoContent)
}
