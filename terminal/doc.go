// Package terminal shows journeys and records to people at a terminal, and to programs
// behind a pipe.
//
//	s := terminal.Style{Width: 80, Colour: true}
//	err := s.Journey(os.Stdout, j)
//	// DELIVERED  bank declared it delivered …
//
//	lines := terminal.Lines{Style: s}
//	out, shown := lines.Append(nil, raw) // 14:00:00.123 INFO  bank        debited  amount=42
//
// [Style] says how wide, in which colours and in which zone; [Lines] makes lines of records,
// and [Table] columns of journeys or records.
//
// Whatever is written here, nothing from outside moves the cursor, changes a colour or
// reorders a line, unless Style.Unsafe is set. The package never asks anybody for anything:
// it gets what it shows.
package terminal
