package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// board gathers the lines that a run ends with.
type board struct {
	area  string
	lines []string
}

// say shows progress and figures that no goal is set for.
func (b *board) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", b.area, fmt.Sprintf(format, args...))
}

// atMost judges a ratio of ours to the peer's.
func (b *board) atMost(name, unit string, ours, peer, limit float64) {
	b.goal(name, figure(ours, unit), figure(peer, unit), fmt.Sprintf("%.2f", ours/peer), fmt.Sprintf("<=%.2fx", limit), ours/peer <= limit)
}

// atLeast judges a ratio of ours to the peer's, where more is better.
func (b *board) atLeast(name, unit string, ours, peer, limit float64) {
	b.goal(name, figure(ours, unit), figure(peer, unit), fmt.Sprintf("%.2f", ours/peer), fmt.Sprintf(">=%.2fx", limit), ours/peer >= limit)
}

// unmeasured says that there is no peer to compare with; the goal counts as missed.
func (b *board) unmeasured(name, unit string, ours float64, goal string) {
	b.goal(name, figure(ours, unit), "unbuilt", "-", goal, false)
}

// bounded judges a figure that has no peer.
func (b *board) bounded(name, unit string, ours, limit float64) {
	b.goal(name, figure(ours, unit), "-", "-", "<="+figure(limit, unit), ours <= limit)
}

// beside judges a figure by itself; the peer's stands beside it.
func (b *board) beside(name, unit string, ours, peer, limit float64) {
	b.goal(name, figure(ours, unit), figure(peer, unit), fmt.Sprintf("%.2f", ours/peer), "<="+figure(limit, unit), ours <= limit)
}

func (b *board) goal(name, ours, peer, ratio, goal string, met bool) {
	verdict := "missed"
	if met {
		verdict = "met"
	}
	b.lines = append(b.lines, fmt.Sprintf("GOAL %s/%s ours=%s peer=%s ratio=%s goal=%s %s", b.area, name, ours, peer, ratio, goal, verdict))
}

func figure(v float64, unit string) string {
	text := strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
	return text + unit
}

// rounds is how often each side of a comparison is measured, in turns.
const rounds = 5

// median of what each of several ways gives, measured in turns.
func medians(ways ...func() float64) []float64 {
	all := make([][]float64, len(ways))
	for range rounds {
		for i, way := range ways {
			all[i] = append(all[i], way())
		}
	}
	out := make([]float64, len(ways))
	for i := range all {
		slices.Sort(all[i])
		out[i] = all[i][rounds/2]
	}
	return out
}

// quantile of sorted values.
func quantile[T any](sorted []T, q float64) T {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// cpu is what this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// threadCPU is what the thread it is called on has used.
func threadCPU() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
