// Bench measures Waybill beside its peers, both in one run, as ratios of medians.
//
//	go run ./bench [area]
//
// It ends with a line per goal:
//
//	GOAL area/name ours=… peer=… ratio=… goal=… met|missed
//
// A goal without a peer prints peer=- ratio=-, and beside it what the machine
// does with nothing to measure.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// areas of measurement; each part adds its own.
var areas = []struct {
	name    string
	measure func(*board) error
}{
	{"instrument", instrumentArea},
	{"collector", collectorArea},
	{"embedded", embeddedArea},
	{"journey", journeyArea},
	{"query", queryArea},
	{"gateway", gatewayArea},
	{"ui", uiArea},
	{"cli", cliArea},
	{"alerts", alertsArea},
}

func main() {
	if role := os.Getenv(roleEnv); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintf(os.Stderr, "bench as %s: %v\n", role, err)
			os.Exit(1)
		}
		return
	}
	only := ""
	if len(os.Args) > 1 {
		only = os.Args[1]
	}
	var names []string
	for _, a := range areas {
		names = append(names, a.name)
	}
	if only != "" && !slices.Contains(names, only) {
		fmt.Fprintf(os.Stderr, "bench: unknown area %q; want one of %s\n", only, strings.Join(names, ", "))
		os.Exit(2)
	}
	var b board
	failed := false
	for _, a := range areas {
		if only != "" && only != a.name {
			continue
		}
		b.area = a.name
		if err := a.measure(&b); err != nil {
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", a.name, err)
			failed = true
		}
	}
	for _, line := range b.lines {
		fmt.Println(line)
	}
	if failed {
		os.Exit(1)
	}
}
