package terminal

import "github.com/charmbracelet/x/ansi"

// Columns is how wide a text is on a terminal.
func Columns(text string) int { return ansi.StringWidth(text) }

// Cut is as much of a text as there is room for.
func Cut(text string, width int) string { return ansi.Truncate(text, width, "…") }
