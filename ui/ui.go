package ui

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// "all:" takes in .gitkeep too, so that the package compiles before the page is built.
//
//go:embed all:dist
var dist embed.FS

// ErrNotBuilt means that this binary was built without the page.
var ErrNotBuilt = errors.New(`the web page is not built into this binary: run "make ui"`)

// Files are the page's files, index.html at the root. Those under assets/ have a hash of their content in their name.
func Files() (fs.FS, error) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("web page: %w", err)
	}
	if _, err := fs.Stat(files, "index.html"); err != nil {
		return nil, ErrNotBuilt
	}
	return files, nil
}
