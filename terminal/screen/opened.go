package screen

import (
	"strings"

	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/terminal"
)

// opened is a journey that takes up the screen.
type opened struct {
	id      string
	journey *query.Journey // nil: it has not come
	err     error

	lines []string
	top   int
}

// draw makes lines of it, as wide as the screen is.
func (o *opened) draw(m *tail) {
	style := m.Lines.Style
	style.Width = m.width
	switch {
	case o.err != nil:
		o.lines = []string{terminal.Clean(o.err.Error())}
	case o.journey != nil:
		var b strings.Builder
		_ = style.Journey(&b, &o.journey.Journey) // a builder takes all
		o.lines = strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	}
	o.scroll("", m.height-1)
}

func (o *opened) scroll(key string, rows int) {
	switch key {
	case "up", "k":
		o.top--
	case "down", "j":
		o.top++
	case "pgup", "ctrl+b":
		o.top -= rows
	case "pgdown", "ctrl+f", "space":
		o.top += rows
	case "home", "g":
		o.top = 0
	case "end", "G":
		o.top = len(o.lines)
	}
	o.top = max(0, min(o.top, len(o.lines)-rows))
}
