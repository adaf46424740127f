package api

import (
	"io/fs"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// pages serves the page's files. Those below assets have names that change with their content.
func pages(files fs.FS) echo.HandlerFunc {
	serve := http.FileServerFS(files)
	return func(c echo.Context) error {
		path := c.Request().URL.Path
		if _, err := fs.Stat(files, strings.Trim(path, "/")); path != "/" && err != nil || strings.HasPrefix(path, "/api/") {
			return echo.ErrNotFound
		}
		if strings.HasPrefix(path, "/assets/") {
			c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		serve.ServeHTTP(c.Response(), c.Request())
		return nil
	}
}
