package api

import (
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// views are the addresses of the page, which is one file and knows itself what each shows.
var views = []string{"/", "/search", "/tail", "/map", "/health", "/alerts"}

// pages serves the page's files. Those below assets have names that change with their content.
func pages(files fs.FS) echo.HandlerFunc {
	serve := http.FileServerFS(files)
	return func(c echo.Context) error {
		r := c.Request()
		path := r.URL.Path
		switch {
		case slices.Contains(views, path):
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = "/", ""
		case !isFile(files, path):
			return notHere(c)
		case strings.HasPrefix(path, "/assets/"):
			c.Response().Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		serve.ServeHTTP(c.Response(), r)
		return nil
	}
}

// notHere tells what is not there from what is asked with another method: the page's route takes
// each path, so the router does not.
func notHere(c echo.Context) error {
	var allowed []string
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := c.Echo().NewContext(c.Request(), c.Response())
		c.Echo().Router().Find(method, c.Request().URL.Path, other)
		if path := other.Path(); path != "" && path != c.Path() {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return echo.ErrNotFound
	}
	c.Response().Header().Set(echo.HeaderAllow, strings.Join(allowed, ", "))
	return echo.ErrMethodNotAllowed
}

// isFile also keeps folders from being listed, and calls of the API from being answered with files.
func isFile(files fs.FS, path string) bool {
	info, err := fs.Stat(files, strings.TrimPrefix(path, "/"))
	return err == nil && info.Mode().IsRegular() && !strings.HasPrefix(path, "/api/")
}
