package screen

import (
	"context"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/live"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/filter"
	"github.com/waybill-log/waybill/terminal"
)

// TailConfig says what a tail shows.
type TailConfig struct {
	Query   string // for people
	Lines   terminal.Lines
	Watch   func(ctx context.Context, w client.Watcher) error // watches until ctx ends
	Journey func(ctx context.Context, id string) (*query.Journey, error)
}

// Tail shows a tail until somebody quits, which is no error. It says what it has come to.
func Tail(ctx context.Context, t Terminal, cfg TailConfig) (live.Receipt, error) {
	m := &tail{TailConfig: cfg, ctx: ctx, follow: true, width: 80, height: 24}
	last, err := run(ctx, t, m, func(ctx context.Context, send func(tea.Msg)) error {
		var f feed
		over := make(chan error, 1)
		go func() { over <- cfg.Watch(ctx, f.watcher()) }()
		tick := time.NewTicker(shownEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if b, ok := f.take(); ok {
					send(b)
				}
			case err := <-over:
				if b, ok := f.take(); ok {
					send(b)
				}
				return err
			}
		}
	})
	if err == nil {
		err = last.err
	}
	return last.counts(), err
}

// tail is the model. Bubbletea alone changes it.
type tail struct {
	TailConfig
	ctx           context.Context
	memory        memory
	width, height int

	follow   bool // the last record is selected, whatever comes
	selected int  // number of the record
	top      int  // where the window begins among those shown
	missed   int  // came since it does not follow

	typing  bool
	text    string // being typed
	filter  string // empty: none
	wrong   string // why text is no filter
	notice  string
	receipt live.Receipt
	came    int
	hidden  int // by Lines' Include and Exclude
	over    int

	open *opened // a journey, over the list
	err  error
}

// counts is what the tail has come to.
func (m *tail) counts() live.Receipt {
	r := live.Receipt{Shown: uint64(m.came), Skipped: m.receipt.Skipped}
	r.Matched = r.Shown + r.Skipped
	return r
}

func (m *tail) Init() tea.Cmd { return nil }

func (m *tail) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = max(msg.Width, 10), max(msg.Height, 4)
		if m.open != nil {
			m.open.draw(m)
		}
	case batch:
		m.take(&msg)
	case ended:
		m.err = msg.err
		return m, tea.Quit
	case *opened:
		if m.open != nil && m.open.id == msg.id {
			m.open = msg
			m.open.draw(m)
		}
	case tea.PasteMsg:
		if m.typing {
			m.text += terminal.Clean(msg.Content)
		}
	case tea.KeyPressMsg:
		return m, m.key(msg)
	}
	m.settle()
	return m, nil
}

func (m *tail) take(b *batch) {
	m.receipt = b.receipt
	m.over += b.over
	m.came += b.over
	if b.notice != "" || len(b.records) > 0 {
		m.notice = terminal.Clean(b.notice)
	}
	for _, raw := range b.records {
		m.came++
		if ok, err := m.Lines.Wanted(raw); err != nil || !ok {
			m.hidden++
			continue
		}
		if m.memory.add(raw) && !m.follow {
			m.missed++
		}
	}
}

// rows is how many records there is room for.
func (m *tail) rows() int { return m.height - 2 }

// settle keeps the selection on a record that is shown, and the window around it.
func (m *tail) settle() {
	shown := m.memory.shown
	if len(shown) == 0 {
		m.top = 0
		return
	}
	at := len(shown) - 1
	if m.follow {
		m.missed = 0
	} else {
		at = min(m.memory.place(m.selected), at)
	}
	m.selected = shown[at]
	m.top = min(max(m.top, at-m.rows()+1), at)
	m.top = max(0, min(m.top, len(shown)-m.rows()))
}

// move selects another record.
func (m *tail) move(by int) {
	shown := m.memory.shown
	if len(shown) == 0 {
		return
	}
	at := min(max(m.memory.place(m.selected)+by, 0), len(shown)-1)
	m.selected = shown[at]
	m.follow = at == len(shown)-1 && by > 0
}

func (m *tail) key(key tea.KeyPressMsg) tea.Cmd {
	name := key.String()
	if name == "ctrl+c" {
		m.err = context.Canceled
		return tea.Quit
	}
	defer m.settle()
	switch {
	case m.typing:
		m.typed(name, key.Text)
		return nil
	case m.open != nil:
		if slices.Contains([]string{"esc", "q", "backspace", "left"}, name) {
			m.open = nil
			return nil
		}
		m.open.scroll(name, m.height-1)
		return nil
	}
	switch name {
	case "q", "esc":
		return tea.Quit
	case "up", "k":
		m.move(-1)
	case "down", "j":
		m.move(1)
	case "pgup", "ctrl+b":
		m.move(-m.rows())
	case "pgdown", "ctrl+f":
		m.move(m.rows())
	case "home", "g":
		m.move(-maxRecords)
	case "end", "G", "f":
		m.follow = true
	case "space", "p":
		m.follow = !m.follow
	case "/":
		m.typing, m.text, m.wrong = true, m.filter, ""
	case "enter", "right":
		return m.enter()
	}
	return nil
}

const maxFilter = 1000 // bytes

// typed edits the filter.
func (m *tail) typed(name, text string) {
	m.wrong = ""
	switch name {
	case "esc":
		m.typing = false
	case "enter":
		m.apply()
	case "backspace":
		if r := []rune(m.text); len(r) > 0 {
			m.text = string(r[:len(r)-1])
		}
	case "ctrl+u":
		m.text = ""
	default:
		if len(m.text)+len(text) <= maxFilter {
			m.text += terminal.Clean(text)
		}
	}
}

// apply filters what is in memory, and what comes.
func (m *tail) apply() {
	search, err := filter.Parse(m.text, time.Now())
	switch {
	case err != nil:
		m.wrong = err.Error()
		return
	case !search.Journey.IsZero() || !search.From.IsZero() || !search.Until.IsZero():
		m.wrong = "here records are filtered: of verdict, visited, kind, release, took, since and until the tail knows nothing"
		return
	}
	m.typing, m.filter = false, m.text
	if search.Records == nil {
		m.memory.filter(nil)
		return
	}
	m.memory.filter(filter.NewMatcher(search.Records).Match)
}

// enter opens the journey of the record that is selected.
func (m *tail) enter() tea.Cmd {
	if len(m.memory.shown) == 0 {
		return nil
	}
	r, err := record.Decode(m.memory.at(m.selected))
	switch {
	case err != nil:
		m.notice = terminal.Clean(err.Error())
		return nil
	case r.CorrelationID == "":
		m.notice = "this record has no correlation ID, so it is part of no journey"
		return nil
	}
	m.follow = false
	m.open = &opened{id: r.CorrelationID, lines: []string{"asking…"}}
	id, ask, ctx := r.CorrelationID, m.Journey, m.ctx
	return func() tea.Msg {
		j, err := ask(ctx, id)
		return &opened{id: id, journey: j, err: err}
	}
}

// state is what the last line says.
func (m *tail) state() string {
	counts := m.counts()
	text := fmt.Sprintf("shown %d, skipped %d", counts.Shown, counts.Skipped)
	if m.hidden > 0 {
		text = fmt.Sprintf("shown %d, hidden %d, skipped %d", counts.Shown-uint64(m.hidden), m.hidden, counts.Skipped)
	}
	if m.follow {
		return "following  " + text
	}
	return fmt.Sprintf("paused  +%d  ", m.missed) + text
}
