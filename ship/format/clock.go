package format

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/ncruces/go-strftime"
)

// Times says how the times of lines are written. The zero value knows what is common, and takes it for UTC.
type Times struct {
	layout string        // of package time; empty: whatever is known
	unit   time.Duration // of numbers since 1970; 0: told by their size
	number bool
	zone   *time.Location // of times that have none; nil: UTC
}

// ParseTimes reads a name (auto, rfc3339, clf, syslog, unix, unix_ms, unix_us, unix_ns), a layout of
// Go's package time, or one with percent signs as strptime has them. A nil zone is UTC.
func ParseTimes(text string, zone *time.Location) (Times, error) {
	t := Times{zone: zone}
	switch text {
	case "", "auto":
		return t, nil
	case "rfc3339":
		t.layout = time.RFC3339Nano
		return t, nil
	case "clf":
		t.layout = layoutCLF
		return t, nil
	case "syslog":
		t.layout = time.Stamp
		return t, nil
	case "unix", "unix_s":
		t.number, t.unit = true, time.Second
		return t, nil
	case "unix_ms":
		t.number, t.unit = true, time.Millisecond
		return t, nil
	case "unix_us":
		t.number, t.unit = true, time.Microsecond
		return t, nil
	case "unix_ns":
		t.number, t.unit = true, time.Nanosecond
		return t, nil
	}
	t.layout = text
	if strings.Contains(text, "%") {
		layout, err := strftime.Layout(text)
		if err != nil {
			return Times{}, fmt.Errorf("%q cannot be read: %w; a layout of Go's such as 2006-01-02 15:04:05 can say the same", text, err)
		}
		t.layout = layout
	}
	sample := time.Date(2023, 11, 28, 21, 43, 37, 0, time.UTC)
	if read, err := time.Parse(t.layout, sample.Format(t.layout)); err != nil || read.Hour()%12 != 9 || read.Day() != 28 {
		return Times{}, fmt.Errorf("%q is no layout of a time: write for instance 2006-01-02 15:04:05, %%Y-%%m-%%d %%H:%%M:%%S, unix_ms or rfc3339", text)
	}
	return t, nil
}

const layoutCLF = "02/Jan/2006:15:04:05 -0700"

// Clock reads the times of one file's lines, in their order.
type Clock struct {
	Times
	Last   time.Time // of the line before; zero: none yet
	Anchor time.Time // no line that was there at first sight is later, but for a day: tells the year of times without one
}

// Read reads a time that a line tells.
func (c *Clock) Read(text string) (time.Time, bool) {
	t, ok := c.read(text)
	if !ok {
		return time.Time{}, false
	}
	if t.Year() == 0 {
		t = c.inYear(t)
	}
	return t, true
}

// inYear finds the year of a time without one: the one nearest to the line before.
func (c *Clock) inYear(t time.Time) time.Time {
	in := func(year int) time.Time {
		return time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	}
	const half = 183 * 24 * time.Hour
	if !c.Last.IsZero() {
		near := in(c.Last.In(t.Location()).Year())
		switch d := near.Sub(c.Last); {
		case d > half:
			return in(near.Year() - 1)
		case d < -half:
			return in(near.Year() + 1)
		}
		return near
	}
	latest := c.Anchor.In(t.Location()).AddDate(0, 0, 1)
	if near := in(latest.Year()); !near.After(latest) {
		return near
	}
	return in(latest.Year() - 1)
}

func (c *Clock) read(text string) (time.Time, bool) {
	zone := cmp.Or(c.zone, time.UTC)
	switch {
	case c.number:
		return c.fromNumber(text)
	case c.layout != "":
		t, err := time.ParseInLocation(c.layout, text, zone)
		return t, err == nil
	}
	if t, n, ok := iso(text, zone); ok && n == len(text) {
		return t, true
	}
	if t, ok := c.fromNumber(text); ok {
		return t, true
	}
	for _, layout := range layoutsOf(text) {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// fromNumber reads a number since 1970. Its unit is told by its size where it is not set.
func (c *Clock) fromNumber(text string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0123456789") != "" {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || !(math.Abs(f) < 1<<53) {
			return time.Time{}, false
		}
		n, fraction = int64(f), ""
	}
	digits := 9 // below the unit of n
	switch c.unit {
	case time.Second:
	case time.Millisecond:
		digits = 6
	case time.Microsecond:
		digits = 3
	case time.Nanosecond:
		digits = 0
	default:
		for size := int64(100_000_000_000); digits > 0 && (n >= size || n <= -size); size *= 1000 {
			digits -= 3
		}
	}
	scale := int64(math.Pow10(9 - digits)) // units in a second
	below, _ := strconv.ParseInt((fraction + "000000000")[:digits], 10, 64)
	return time.Unix(n/scale, n%scale*int64(math.Pow10(digits))+below).UTC(), true
}

// layoutsOf are the layouts that a time which is not ISO 8601's may have, by its shape.
func layoutsOf(text string) []string {
	switch {
	case len(text) < 13:
	case text[0] >= 'A' && text[0] <= 'Z':
		if stampLen(text) > 0 {
			return []string{time.Stamp, "Jan _2 15:04:05 2006"}
		}
		return []string{time.ANSIC, time.UnixDate, time.RubyDate, time.RFC1123Z, time.RFC1123, time.RFC850, "Jan _2 2006 15:04:05", "Jan 2, 2006 15:04:05", "Jan 2, 2006 3:04:05 PM"}
	case text[2] == '/':
		return []string{layoutCLF, "02/Jan/2006:15:04:05", "02/Jan/2006 15:04:05"}
	case text[4] == '/':
		return []string{"2006/01/02 15:04:05", "2006/01/02 15:04:05 -0700", "2006/01/02 15:04:05Z07:00"}
	case text[2] == ' ' || text[2] == '-' || text[1] == ' ':
		return []string{"2 Jan 2006 15:04:05", "2 Jan 2006 15:04:05 -0700", "02-Jan-2006 15:04:05", "2 Jan 15:04:05"}
	case text[6] == ' ':
		return []string{"060102 150405"}
	case text[8] == ' ' || text[8] == 'T':
		return []string{"20060102 15:04:05", "20060102T150405", "20060102T150405Z0700"}
	}
	return nil
}

// leading finds a time at the front of a line: line[start:end], behind which the line goes on.
func (t *Times) leading(line string) (start, end, behind int) {
	if strings.HasPrefix(line, "[") && !strings.HasPrefix(t.layout, "[") {
		if last := strings.IndexByte(line[:min(len(line), 64)], ']'); last > 0 {
			if n := t.timeLen(line[1:last]); n == last-1 {
				return 1, last, last + 1
			}
		}
		return 0, 0, 0
	}
	n := t.timeLen(line)
	return 0, n, n
}

// timeLen is how long the time at the front of a text is; 0: there is none.
func (t *Times) timeLen(text string) int {
	if t.number || t.layout != "" {
		c := Clock{Times: *t}
		words := max(1, len(strings.Fields(t.layout))) // of a number: one
		n := wordsLen(text, words)
		if _, ok := c.read(text[:n]); ok {
			return n
		}
		return 0
	}
	if _, n, ok := iso(text, nil); ok {
		return n
	}
	if n := stampLen(text); n > 0 {
		return n
	}
	for words := 6; words >= 2; words-- {
		n := wordsLen(text, words)
		if n < 13 || n > 40 {
			continue
		}
		for _, layout := range layoutsOf(text[:n]) {
			if _, err := time.Parse(layout, text[:n]); err == nil {
				return n
			}
		}
	}
	return 0
}

// wordsLen is how long the first words of a text are.
func wordsLen(text string, words int) int {
	for i := 0; i < len(text); i++ {
		if text[i] == ' ' && i > 0 && text[i-1] != ' ' {
			if words--; words == 0 {
				return i
			}
		}
	}
	if words == 1 {
		return len(text)
	}
	return 0
}

// iso reads a time of ISO 8601's extended format at the front of a text, with a T or a space, a fraction
// behind a point or a comma, and a zone or none, and says how long it is. Dates alone are none.
func iso(text string, zone *time.Location) (t time.Time, n int, ok bool) {
	if len(text) < 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T' && text[10] != ' ' || text[13] != ':' || text[16] != ':' {
		return t, 0, false
	}
	year, ok1 := digits(text[0:4])
	month, ok2 := digits(text[5:7])
	day, ok3 := digits(text[8:10])
	hour, ok4 := digits(text[11:13])
	minute, ok5 := digits(text[14:16])
	second, ok6 := digits(text[17:19])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || year == 0 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 {
		return t, 0, false
	}
	n = 19
	nanos := 0
	if n+1 < len(text) && (text[n] == '.' || text[n] == ',') && text[n+1] >= '0' && text[n+1] <= '9' {
		scale := 100_000_000
		for n++; n < len(text) && text[n] >= '0' && text[n] <= '9'; n++ {
			nanos += int(text[n]-'0') * scale
			scale /= 10
		}
	}
	zone = cmp.Or(zone, time.UTC)
	offset, m, has := isoZone(text[n:])
	if has {
		zone = time.UTC
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, nanos, zone)
	if t.Day() != day && second < 60 {
		return t, 0, false
	}
	return t.Add(-time.Duration(offset) * time.Second), n + m, true
}

// isoZone reads Z, +01, +0100 or +01:00, with a space in front of it or none.
func isoZone(text string) (seconds, n int, ok bool) {
	from := 0
	if strings.HasPrefix(text, " ") {
		from = 1
	}
	rest := text[from:]
	switch {
	case strings.HasPrefix(rest, "Z") && from == 0:
		return 0, 1, true
	case strings.HasPrefix(rest, "UTC"):
		return 0, from + 3, true
	case len(rest) < 3 || rest[0] != '+' && rest[0] != '-':
		return 0, 0, false
	}
	hour, ok := digits(rest[1:3])
	if !ok || hour > 15 {
		return 0, 0, false
	}
	n, minute := 3, 0
	at := 3
	if len(rest) > at && rest[at] == ':' {
		at++
	}
	if len(rest) >= at+2 {
		if m, ok := digits(rest[at : at+2]); ok && m < 60 {
			minute, n = m, at+2
		}
	}
	if n == 3 && from == 1 {
		return 0, 0, false // " -12" may be anything
	}
	seconds = 3600*hour + 60*minute
	if rest[0] == '-' {
		seconds = -seconds
	}
	return seconds, from + n, true
}

func digits(text string) (n int, ok bool) {
	for i := range len(text) {
		c := text[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = 10*n + int(c)
	}
	return n, true
}
