package reviews

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// Routes adds the API of the reviews.
func (s *Reviews) Routes(e *echo.Echo) {
	e.GET("/reviews", s.list)
	e.POST("/reviews", s.post)
}

// list answers GET /reviews?product=ID, without a product with the newest of all.
func (s *Reviews) list(c echo.Context) error {
	product := c.QueryParam("product")
	if product != "" && !isID(product) {
		return echo.NewHTTPError(http.StatusBadRequest, "product is not an ID")
	}
	found, err := find(c.Request().Context(), s.db, product)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "public, max-age=2")
	return c.JSON(http.StatusOK, map[string]any{"reviews": found})
}

// post answers POST /reviews {product, stars, text}.
func (s *Reviews) post(c echo.Context) error {
	ctx := c.Request().Context()
	who, _ := credential.From(ctx)
	if who.Subject == "" {
		return echo.NewHTTPError(http.StatusForbidden, "only who has logged in may review")
	}
	var r Review
	if err := c.Bind(&r); err != nil || !r.valid() {
		return echo.NewHTTPError(http.StatusBadRequest, fmt.Sprintf("want JSON with product, stars of 1 to 5 and a text of 1 to %d characters", maxText)).SetInternal(err)
	}
	r.User = who.Subject
	r, err := add(ctx, s.db, r)
	if errors.Is(err, errOnce) {
		s.log.WarnContext(ctx, "review refused", "user", who.Subject, "reason", errOnce)
		return echo.NewHTTPError(http.StatusConflict, errOnce.Error())
	}
	if err != nil {
		return err
	}
	s.log.InfoContext(ctx, "product reviewed", "user", r.User, "product", r.Product, "stars", r.Stars)
	return c.JSON(http.StatusCreated, r)
}
