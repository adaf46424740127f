// Bench measures Waybill beside its peers, both in one run, as ratios of medians.
//
//	go run ./bench [area]
//
// It ends with a line per goal:
//
//	GOAL area/name ours=… peer=… ratio=… goal=… met|missed
//
// An absolute goal prints peer=- ratio=- beside a calibration figure.
package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// areas of measurement; each part adds its own.
var areas = []string{"instrument", "collector", "embedded", "journey", "query", "gateway", "ui", "cli", "alerts"}

func main() {
	if len(os.Args) > 1 && !slices.Contains(areas, os.Args[1]) {
		fmt.Fprintf(os.Stderr, "bench: unknown area %q; want one of %s\n", os.Args[1], strings.Join(areas, ", "))
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "bench: no goals are measured yet")
}
