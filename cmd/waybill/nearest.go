package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// nearest is the one of some words that a misspelt one is closest to; empty: none is close.
func nearest(word string, of []string) (best string) {
	within := len(word)/3 + 1
	for _, candidate := range of {
		d := distance(word, candidate)
		if len(word) > 2 && (strings.HasPrefix(candidate, word) || strings.HasPrefix(word, candidate)) {
			d = min(d, 1)
		}
		if d < within || d == within && best == "" {
			best, within = candidate, d
		}
	}
	return best
}

// distance is how many letters have to be changed, put in or taken away (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

var wrongFlag = regexp.MustCompile(`^unknown flag: --([^= ]+)`)

// wrongFlags names the nearest right flag.
func wrongFlags(cmd *cobra.Command, err error) error {
	hint := ""
	if m := wrongFlag.FindStringSubmatch(err.Error()); m != nil {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if name := nearest(m[1], names); name != "" {
			hint = "; did you mean --" + name + "?"
		}
	}
	return usage(fmt.Errorf("%w%s; see %s --help", err, hint, cmd.CommandPath()))
}

// wrongCommand names the nearest right command.
func wrongCommand(cmd *cobra.Command, name string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	hint := ""
	if n := nearest(name, names); n != "" {
		hint = "; did you mean " + n + "?"
	}
	return usage(fmt.Errorf("unknown command %q%s; see %s --help", name, hint, cmd.CommandPath()))
}
