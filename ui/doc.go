// Package ui holds the web page, built into the binary.
//
// The page answers "what happened to one request" the way a parcel carrier does: a box for the tracking number, the verdict,
// and the stations it passed. It is written in TypeScript under src, built by "make ui" into dist, and embedded from there.
//
//	files, err := ui.Files()
//	if err != nil {
//		return err // the web page is not built into this binary: run "make ui"
//	}
//	http.Handle("/", http.FileServerFS(files))
//
// The page asks GET /api/v1/journeys/{id} of the server that it came from, and nothing of anybody else. It holds nothing inline and
// writes no markup from text, so it runs under a content security policy that allows its own files only, and under trusted types.
//
// Package ui never serves: headers, caching and who may see the page are for the server that mounts it.
package ui
