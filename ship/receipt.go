package ship

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

// Receipt counts what became of the lines of a run.
// Read = Records' lines + Joined + Blank + Binary.
type Receipt struct {
	Files    int   // that were read from
	Finished int   // whose end had been shipped before
	Bytes    int64 // read, decompressed
	Read     int64 // lines
	Records  int64 // that were made of them
	Shipped  int64 // of these, acknowledged
	Refused  int64 // of these, not taken by the server
	Aliases  int64 // further records, each of another name that a line gives its journey
	Copies   int64 // further records, of a line that belongs to several journeys

	Joined   int64 // lines that belong to the record of a line before them
	Blank    int64
	Unparsed int64 // not of the file's format: kept as plain messages
	Undated  int64 // with the time of the line before, or of the file's first sight
	Cut      int64 // longer than the limit
	Latin1   int64 // read as Windows-1252
	Repaired int64 // with bytes that are no characters
	BadIDs   int64 // an ID was found that can be none
	Binary   int64 // lines with a NUL: left out

	BinaryFiles int // left out whole
	Failed      int // files that could not be read, or not to their end
	Truncated   int // files that began anew while they were followed
	Retries     int64
}

// String is what people read, in one line: what there was, and what it became.
func (r Receipt) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "read %s lines of %d files, shipped %s records", humanize.Comma(r.Read), r.Files, humanize.Comma(r.Shipped))
	if waiting := r.Records + r.Aliases + r.Copies - r.Shipped - r.Refused; waiting > 0 {
		fmt.Fprintf(&b, ", not acknowledged %s", humanize.Comma(waiting))
	}
	for _, c := range [...]struct {
		n    int64
		what string
	}{
		{r.Refused, "refused by the server"}, {r.Unparsed, "unparsed, kept as plain messages"}, {r.Undated, "undated"}, {r.Joined, "joined to a line before"},
		{r.Aliases, "aliases"}, {r.Copies, "copies for further IDs"}, {r.Cut, "cut"}, {r.Latin1, "read as Latin-1"}, {r.Repaired, "with bytes that are no UTF-8"},
		{r.BadIDs, "IDs that can be none"}, {r.Binary, "binary, left out"}, {r.Blank, "blank"}, {int64(r.Finished), "files shipped before"},
		{int64(r.BinaryFiles), "binary files left out"}, {int64(r.Truncated), "files truncated"}, {int64(r.Failed), "files not read"}, {r.Retries, "retries"},
	} {
		if c.n > 0 {
			fmt.Fprintf(&b, "; %s %s", humanize.Comma(c.n), c.what)
		}
	}
	return b.String()
}
