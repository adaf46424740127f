// Package format reads one line of a log that exists already into the names and
// values of a record.
//
//	p, _ := format.New("logfmt", format.Options{})
//	f := intake.NewForeign()
//	ok := p.Parse(`ts=2026-11-23T14:00:00Z level=info msg=debited order=42`, f)
//	// ok; f.Told() is 2026-11-23T14:00:00Z, f.Text() is debited, order=42 is a label to be
//
// The types to know are [Parser], which reads a line, [Clock], which reads its
// time, and [Unwrapper], which takes off what a container's runtime has put
// around it. [Detect] finds the format of a file by its first lines.
//
// The package reads no file and no clock, and holds no line: what it returns
// shares memory with the text it was given, or with a buffer of the parser's
// that the next line overwrites.
package format
