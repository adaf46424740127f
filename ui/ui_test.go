package ui

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// Whether the page is built depends on what ran before; both answers are checked.
func TestFiles(t *testing.T) {
	files, err := Files()
	if err != nil {
		if want := `the web page is not built into this binary: run "make ui"`; err.Error() != want {
			t.Fatalf("error %q, want %q", err, want)
		}
		t.Log("checked without the page")
		return
	}

	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(string(index), -1)
	if len(links) < 3 {
		t.Errorf("index.html links to %d files, want script, style and icon", len(links))
	}
	for _, link := range links {
		if _, err := fs.Stat(files, strings.TrimPrefix(link[1], "/")); err != nil {
			t.Errorf("index.html links to %s: %v", link[1], err)
		}
	}
	if regexp.MustCompile(`<style|style=|<script[^>]*>[^<]|\son\w+=`).Match(index) {
		t.Error("index.html holds inline script or style, which the content security policy stops")
	}
}
