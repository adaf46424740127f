package terminal

import "github.com/charmbracelet/x/ansi"

// Columns is how wide a text is on a terminal.
func Columns(text string) int { return ansi.StringWidth(text) }
