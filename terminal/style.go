package terminal

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// Style says how things are shown.
type Style struct {
	Width  int            // columns; 0: lines are as long as they are
	Colour bool           // colours and bold
	Zone   *time.Location // nil: UTC
	Times  Times
	Now    time.Time // what relative times count back from; zero: they are absolute
	Unsafe bool      // texts from outside are shown as they are
}

// Times says how a time is written.
type Times string

// Ways to write a time.
const (
	Clock    Times = "clock"    // 15:04:05.000, as is most readable
	RFC3339  Times = "rfc3339"  // with date, nanoseconds and zone
	Relative Times = "relative" // 3m ago
)

// ParseTimes reads a way to write times.
func ParseTimes(text string) (Times, error) {
	switch t := Times(text); t {
	case Clock, RFC3339, Relative:
		return t, nil
	}
	return "", fmt.Errorf("times are %s, %s or %s, not %q", Clock, RFC3339, Relative, text)
}

// text is one from outside.
func (s *Style) text(t string) string {
	if s.Unsafe {
		return t
	}
	return Clean(t)
}

// narrow is how few columns have no room for a column of services.
const narrow = 60

func (s *Style) narrow() bool { return s.Width > 0 && s.Width < narrow }

func (s *Style) in(t time.Time) time.Time {
	if s.Zone == nil {
		return t.UTC()
	}
	return t.In(s.Zone)
}

// time is one of many on a page that says the day.
func (s *Style) time(t time.Time) string {
	if s.Times == RFC3339 {
		return s.in(t).Format("2006-01-02T15:04:05.000000000Z07:00")
	}
	if s.Times == Relative && !s.Now.IsZero() {
		return s.ago(t)
	}
	return s.in(t).Format("15:04:05.000")
}

// Moment is a time with its day.
func (s *Style) Moment(t time.Time) string {
	if s.Times == RFC3339 || s.Times == Relative && !s.Now.IsZero() {
		return s.time(t)
	}
	return s.in(t).Format("2006-01-02 15:04:05.000 MST")
}

// ago is how long ago something was, by the unit that tells most.
func (s *Style) ago(t time.Time) string {
	d := s.Now.Sub(t)
	word := " ago"
	if d < 0 {
		d, word = -d, " ahead"
	}
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms" + word
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "s" + word
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m" + word
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h" + word
	}
	return strconv.Itoa(int(d.Hours()/24)) + "d" + word
}

// span shows a duration with the digits that matter.
func span(d time.Duration) string {
	switch abs := d.Abs(); {
	case abs < time.Millisecond:
		return d.Round(time.Microsecond).String()
	case abs < time.Second:
		return d.Round(100 * time.Microsecond).String()
	default:
		return d.Round(time.Millisecond).String()
	}
}

// What a terminal does to letters (ECMA-48 §8.3.117).
const (
	bold   = "1"
	dim    = "2"
	marked = "7" // colours swapped
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (s *Style) paint(how, text string) string {
	if !s.Colour || how == "" || text == "" {
		return text
	}
	return "\x1b[" + how + "m" + text + "\x1b[m"
}

// palette are colours of the 256 that stand out from black and from white alike, each from its neighbours too.
var palette = [...]uint8{168, 166, 28, 134, 100, 30, 32, 63, 130, 64, 162, 31, 97, 131, 29, 133, 67, 129}

// ofService is a service's colour: the same in every terminal, today and tomorrow.
func ofService(name string) string {
	return "38;5;" + strconv.Itoa(int(palette[crc32.ChecksumIEEE([]byte(name))%uint32(len(palette))]))
}

// pad fills a text up to a width.
func pad(text string, width int) string {
	if missing := width - Columns(text); missing > 0 {
		return text + strings.Repeat(" ", missing)
	}
	return text
}

// wrapped writes a text behind a head, in as many lines as it needs. A hang stands before all but the
// first, and is as wide as the head.
func (s *Style) wrapped(b *strings.Builder, head, hang, text string) {
	b.WriteString(head)
	if room := s.Width - Columns(hang); s.Width > 0 && room >= least {
		text = ansi.Wrap(text, room, "")
	}
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteString(hang)
		}
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteByte('\n')
	}
}

// least is how many columns make lines worth breaking.
const least = 16
