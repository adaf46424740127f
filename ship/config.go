package ship

import (
	"cmp"
	"context"
	"io"
	"regexp"
	"time"

	"github.com/waybill-log/waybill/ship/format"
)

// Config says what is shipped, how it is read, and where to.
type Config struct {
	Files  []string  // paths and globs; - is Stdin
	Stdin  io.Reader // nil: empty
	Follow bool      // go on when a file ends, over rotation, until the context ends
	Again  bool      // begin where files begin, wherever their positions are

	Format  string         // one of format.Names, or format.Pattern; empty: format.Auto
	Pattern *regexp.Regexp // of format.Pattern
	Start   *regexp.Regexp // of the first line of a record that may have several; nil: each line is one
	Times   format.Times   // of ParseTimes

	IDs      []Source // of the correlation ID: the first that finds one; what those behind it find are aliases
	AllIDs   bool     // a line in which several IDs are found is shipped for each, and none is an alias
	Services []Source // the first that finds one; none: the line's own, else the file's name
	Nodes    []Source

	MaxLine int // most bytes that are kept of a line; 0: 1 MiB, and 16 MiB of OTLP

	Carrier   Carrier
	InOrder   bool       // one batch is carried at a time
	Positions *Positions // nil: nothing is remembered

	Poll     time.Duration                                // how often files are looked at while they are followed; 0: 250 ms
	Warn     func(text string)                            // hears what is amiss; nil: nobody
	Unparsed func(file string, offset int64, text string) // hears of lines that are not of their format; nil: nobody
	Progress func(done, all int64)                        // hears of bytes of files, now and then; nil: nobody

	now func() time.Time // nil: time.Now
}

// Carrier hands batches over.
type Carrier interface {
	// Carry returns once all records of a batch are acknowledged, with how many of them were refused for good. It is called
	// concurrently. Anything that may pass it tries again by itself.
	Carry(ctx context.Context, b *Batch) (refused int, err error)
}

func (c *Config) withDefaults() Config {
	out := *c
	out.Format = cmp.Or(out.Format, format.Auto)
	out.Poll = cmp.Or(out.Poll, 250*time.Millisecond)
	if out.now == nil {
		out.now = time.Now
	}
	if out.Warn == nil {
		out.Warn = func(string) {}
	}
	return out
}

// limit is how many bytes are kept of a line.
func (c *Config) limit(name string) int {
	if c.MaxLine > 0 {
		return c.MaxLine
	}
	if name == format.OTLP {
		return 16 << 20
	}
	return 1 << 20
}
