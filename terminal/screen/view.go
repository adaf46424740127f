package screen

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/waybill-log/waybill/terminal"
)

const (
	reversed = "\x1b[7m"
	plain    = "\x1b[m"

	hints        = "space pause  / filter  enter journey  q quit"
	journeyHints = "esc back"
	filterHints  = "enter apply  esc leave"
)

func (m *tail) View() tea.View {
	var b strings.Builder
	if m.open != nil {
		m.viewJourney(&b)
	} else {
		m.viewList(&b)
	}
	v := tea.NewView(b.String())
	v.AltScreen = true
	v.WindowTitle = "waybill tail"
	return v
}

func (m *tail) viewList(b *strings.Builder) {
	title := "waybill tail  " + m.Query
	if m.filter != "" {
		title += "  / " + m.filter
	}
	m.row(b, terminal.Cut(title, m.width))
	shown := m.memory.shown
	for i := range m.rows() {
		at := m.top + i
		if at >= len(shown) {
			b.WriteByte('\n')
			continue
		}
		line, _, err := m.Lines.Append(nil, m.memory.at(shown[at]))
		if err != nil {
			line = []byte("?")
		}
		text := terminal.Cut(strings.TrimSuffix(string(line), "\n"), m.width)
		if shown[at] == m.selected && !m.follow {
			text = reversed + ansi.Strip(text) + plain
		}
		m.row(b, text)
	}
	last := m.state() + "  " + hints
	switch {
	case m.typing && m.wrong != "":
		last = "/" + m.text + "▏ " + m.wrong
	case m.typing:
		last = "/" + m.text + "▏ " + filterHints
	case m.notice != "":
		last = m.state() + "  " + m.notice
	}
	b.WriteString(terminal.Cut(last, m.width))
}

func (m *tail) viewJourney(b *strings.Builder) {
	o := m.open
	rows := m.height - 1
	for i := range rows {
		if at := o.top + i; at < len(o.lines) {
			m.row(b, terminal.Cut(o.lines[at], m.width))
		} else {
			b.WriteByte('\n')
		}
	}
	b.WriteString(terminal.Cut(m.state()+"  "+journeyHints, m.width))
}

func (m *tail) row(b *strings.Builder, text string) {
	b.WriteString(text)
	b.WriteByte('\n')
}
