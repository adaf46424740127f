package main

import (
	"fmt"
	"io"
	"sync"

	"github.com/schollz/progressbar/v3"

	"github.com/waybill-log/waybill/terminal"
)

// sayer writes lines to stderr, above a progress bar where there is one. Safe for concurrent use.
type sayer struct {
	w   io.Writer
	mu  sync.Mutex
	bar *progressbar.ProgressBar // nil: none is shown
}

func (s *sayer) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil {
		fmt.Fprintln(s.w, "waybill:", terminal.Clean(text))
		return
	}
	_ = s.bar.Clear()
	fmt.Fprintln(s.w, "waybill:", terminal.Clean(text))
	_ = s.bar.RenderBlank() // below the line
}

// progress shows how many bytes are done of all.
func (s *sayer) progress(done, all int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar == nil {
		s.bar = progressbar.NewOptions64(all, progressbar.OptionSetWriter(s.w), progressbar.OptionShowBytes(true), progressbar.OptionSetDescription("shipping"), progressbar.OptionSetWidth(30))
	}
	_ = s.bar.Set64(done) // what a terminal does not show is no reason to end
}

// clear takes the bar away.
func (s *sayer) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear()
		s.bar = nil
	}
}
