package terminal

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Table shows rows as they come. Its columns are as wide as the first rows need.
type Table[T any] struct {
	Style   Style
	Columns []Column[T]

	w      io.Writer
	csv    *csv.Writer
	first  [][]string // that wait for their widths
	widths []int      // nil: not known yet
}

// NewTable writes to w, as CSV (RFC 4180) if that is wanted.
func NewTable[T any](w io.Writer, s Style, columns []Column[T], asCSV bool) *Table[T] {
	t := &Table[T]{Style: s, Columns: slices.Clone(columns), w: w}
	for i := range t.Columns {
		t.Columns[i].Name = s.text(t.Columns[i].Name)
	}
	if asCSV {
		t.csv = csv.NewWriter(w)
		if s.Times != Relative { // programs read it
			t.Style.Times = RFC3339
		}
	}
	return t
}

const (
	measured = 50 // rows that say how wide columns are
	maxCell  = 48 // columns, but in the last one
)

// Row shows one. It may wait for others; Flush shows them all.
func (t *Table[T]) Row(of *T) error {
	cells := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		cells[i] = t.Style.text(c.value(&t.Style, of))
	}
	if t.csv != nil {
		if t.widths == nil {
			t.widths = []int{}
			if err := t.csv.Write(ColumnNames(t.Columns)); err != nil {
				return err
			}
		}
		for i := range cells {
			cells[i] = harmless(cells[i])
		}
		return t.csv.Write(cells)
	}
	if t.widths != nil {
		return t.write(cells)
	}
	if t.first = append(t.first, cells); len(t.first) >= measured {
		return t.begin()
	}
	return nil
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@", rune(cell[0])) {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

// begin writes what has waited.
func (t *Table[T]) begin() error {
	t.widths = make([]int, len(t.Columns))
	for i, c := range t.Columns {
		t.widths[i] = len(c.Name)
		for _, cells := range t.first {
			t.widths[i] = max(t.widths[i], min(Columns(cells[i]), maxCell))
		}
	}
	var names []string
	for _, c := range t.Columns {
		names = append(names, strings.ToUpper(c.Name))
	}
	if len(t.first) > 0 && !t.Style.narrow() {
		if err := t.line(names, func(int, string) string { return bold }); err != nil {
			return err
		}
	}
	for _, cells := range t.first {
		if err := t.write(cells); err != nil {
			return err
		}
	}
	t.first = nil
	return nil
}

func (t *Table[T]) write(cells []string) error {
	return t.line(cells, func(i int, cell string) string {
		if paint := t.Columns[i].paint; paint != nil {
			return paint(cell)
		}
		return ""
	})
}

func (t *Table[T]) line(cells []string, how func(i int, cell string) string) error {
	var b strings.Builder
	at := 0
	for i, cell := range cells {
		last := i == len(cells)-1
		switch {
		case t.Style.narrow():
		case last && t.Style.Width > 0:
			cell = ansi.Truncate(cell, max(t.Style.Width-at, 8), "…")
		case last:
		default:
			if t.Style.Width > 0 {
				cell = ansi.Truncate(cell, max(t.widths[i], maxCell), "…")
			}
			at += max(t.widths[i], Columns(cell)) + 2
		}
		b.WriteString(t.Style.paint(how(i, cell), cell))
		if !last {
			b.WriteString("  ")
		}
		if !last && !t.Style.narrow() {
			b.WriteString(strings.Repeat(" ", max(0, t.widths[i]-Columns(cell))))
		}
	}
	text := strings.TrimRight(b.String(), " ")
	var out strings.Builder
	if t.Style.narrow() {
		text = strings.ReplaceAll(ansi.Wrap(text, t.Style.Width-2, ""), "\n", "\n  ")
	}
	out.WriteString(text)
	out.WriteByte('\n')
	_, err := io.WriteString(t.w, out.String())
	return err
}

// Flush shows what has waited.
func (t *Table[T]) Flush() error {
	switch {
	case t.csv != nil:
		t.csv.Flush()
		return t.csv.Error()
	case t.widths == nil:
		return t.begin()
	}
	return nil
}
