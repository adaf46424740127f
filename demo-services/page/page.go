// Package page is the shop that people see: log in, six services in one page,
// buy points, and the tracking number of every answer.
//
//	e.GET("/", echo.WrapHandler(page.Handler()))
//	e.GET("/page/*", echo.WrapHandler(page.Handler()))
//
// It is plain HTML, CSS and JavaScript, embedded, in English and Traditional
// Chinese. It talks to the gateway it came from, and never loads anything from
// elsewhere, runs nothing inline, and keeps no token where scripts can read it.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var static embed.FS

// policy lets the page load what it came with and ask the gateway, no more.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves the page at / and its parts below /page/.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "index.html"
		if r.URL.Path != "/" {
			name = strings.TrimPrefix(r.URL.Path, "/page/")
		}
		if err := serve(w, r, name); err != nil {
			http.NotFound(w, r)
		}
	})
}

func serve(w http.ResponseWriter, r *http.Request, name string) error {
	text, err := static.ReadFile("static/" + name)
	if err != nil {
		return fs.ErrNotExist
	}
	sum := sha256.Sum256(text)
	h := w.Header()
	h.Set("Content-Type", mediaType(name))
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
	if r.Header.Get("If-None-Match") == h.Get("ETag") {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	_, _ = w.Write(text) // a caller who has gone needs none
	return nil
}

func mediaType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}
