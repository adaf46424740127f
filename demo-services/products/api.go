package products

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// fresh is how long a cache may answer for the catalogue: it is the same for all.
const fresh = "public, max-age=5"

// Routes adds the catalogue's API.
func (p *Products) Routes(e *echo.Echo) {
	e.GET("/products", p.list)
	e.GET("/products/:id", p.get)
	e.PUT("/products/:id", p.put)
}

// list answers GET /products, or that nothing has changed.
func (p *Products) list(c echo.Context) error {
	found, err := find(c.Request().Context(), p.db, "")
	if err != nil {
		return err
	}
	sum := sha256.Sum256(fmt.Append(nil, found))
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	c.Response().Header().Set("ETag", tag)
	c.Response().Header().Set(echo.HeaderCacheControl, fresh)
	if c.Request().Header.Get("If-None-Match") == tag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.JSON(http.StatusOK, map[string]any{"products": found})
}

// get answers GET /products/:id.
func (p *Products) get(c echo.Context) error {
	if !isID(c.Param("id")) {
		return echo.NewHTTPError(http.StatusNotFound, "no product of that ID")
	}
	found, err := find(c.Request().Context(), p.db, c.Param("id"))
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return echo.NewHTTPError(http.StatusNotFound, "no product of that ID")
	}
	c.Response().Header().Set(echo.HeaderCacheControl, fresh)
	return c.JSON(http.StatusOK, found[0])
}

// put answers PUT /products/:id {name: {en, zh-TW}, price}, of staff only.
func (p *Products) put(c echo.Context) error {
	ctx := c.Request().Context()
	who, _ := credential.From(ctx)
	if !who.Has("staff") {
		p.log.WarnContext(ctx, "product refused", "user", who.Subject, "reason", "not staff")
		return echo.NewHTTPError(http.StatusForbidden, "only staff may change products")
	}
	var product Product
	err := c.Bind(&product)
	product.ID = c.Param("id")
	if err != nil || !product.valid() {
		return echo.NewHTTPError(http.StatusBadRequest, fmt.Sprintf("want an ID of a-z, 0-9 and -, JSON with name.en and name.zh-TW of 1 to %d characters, and a price of 1 to %d", maxName, maxPrice)).SetInternal(err)
	}
	if err := put(ctx, p.db, product); errors.Is(err, errFull) {
		return echo.NewHTTPError(http.StatusConflict, errFull.Error())
	} else if err != nil {
		return err
	}
	p.log.InfoContext(ctx, "product changed", "product", product.ID, "price", product.Price, "user", who.Subject)
	return c.JSON(http.StatusOK, product)
}
