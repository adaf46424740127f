// Package ui holds the built web page.
//
//	files, err := ui.Files()
//	http.FileServerFS(files)
//
// The page itself is written in TypeScript below src and built by make ui.
package ui
