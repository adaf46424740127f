package page_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/demo-services/page"
)

func get(t *testing.T, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, r)
	return w
}

func TestPageAndItsPartsAreServed(t *testing.T) {
	parts := regexp.MustCompile(`(?:href|src)="(/page/[^"]+)"|from '\./([^']+)'`)
	open, seen := []string{"/"}, map[string]bool{}
	for len(open) > 0 {
		path := open[0]
		open = open[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		w := get(t, path)
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self'") {
			t.Fatalf("%s: %d %v", path, w.Code, w.Header())
		}
		for _, m := range parts.FindAllStringSubmatch(w.Body.String(), -1) {
			if m[2] != "" {
				m[1] = "/page/" + m[2]
			}
			open = append(open, m[1])
		}
	}
	files, err := filepath.Glob("static/*")
	if err != nil || len(seen) != len(files) {
		t.Errorf("%v of %v are reached", seen, files)
	}
	for _, path := range []string{"/page/", "/page/nothing", "/page/../page.go", "/page/../static/index.html"} {
		if w := get(t, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestPageIsNotSentTwice(t *testing.T) {
	first := get(t, "/page/main.js")
	if w := get(t, "/page/main.js", "If-None-Match: "+first.Header().Get("ETag")); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
}

// TestPageObeysItsPolicy: what it forbids is not there, so that nothing fails in a browser.
func TestPageObeysItsPolicy(t *testing.T) {
	html := get(t, "/").Body.String()
	for _, bad := range []string{"style=", "onclick", "<style", "javascript:", "http://", "https://", "//cdn"} {
		if strings.Contains(html, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, m := range regexp.MustCompile(`(?s)<script([^>]*)>(.*?)</script>`).FindAllStringSubmatch(html, -1) {
		if !strings.Contains(m[1], "src=") || m[2] != "" {
			t.Errorf("an inline script: %s", m[0])
		}
	}
	for _, file := range []string{"main.js", "view.js", "api.js", "text.js"} {
		if js := get(t, "/page/"+file).Body.String(); strings.Contains(js, "innerHTML") || strings.Contains(js, "eval(") || strings.Contains(js, ".style") {
			t.Errorf("%s writes markup or style", file)
		}
	}
}

func TestBothLanguagesSayTheSameThings(t *testing.T) {
	text, err := os.ReadFile("static/text.js")
	if err != nil {
		t.Fatal(err)
	}
	en, zh, ok := strings.Cut(string(text), "'zh-TW': {")
	zh, _, end := strings.Cut(zh, "\n};")
	if !ok || !end {
		t.Fatal("languages are not found")
	}
	names := func(of string) (found []string) {
		for _, m := range regexp.MustCompile(`(?m)^    '?([\w.]+)'?: `).FindAllStringSubmatch(of, -1) {
			found = append(found, m[1])
		}
		slices.Sort(found)
		return found
	}
	if a, b := names(en), names(zh); !slices.Equal(a, b) || len(a) < 50 {
		t.Errorf("English has %v\nChinese %v", a, b)
	}
	html := get(t, "/").Body.String()
	for _, m := range regexp.MustCompile(`data-(?:text|label)="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if !slices.Contains(names(en), m[1]) {
			t.Errorf("the page has %s, which has no text", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`<(?:input|button)[^>]*>`).FindAllString(html, -1) {
		if strings.HasPrefix(m, "<input") && !strings.Contains(html, "</span>"+m) {
			t.Errorf("no label around %s", m)
		}
	}
}
