package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/waybill-log/waybill/journey/journeytest"
)

// uiArea measures the page in a browser, as the binary that is shipped serves it.
func uiArea(b *board) (err error) {
	if _, err := os.Stat("ui/dist/index.html"); err != nil {
		return errors.New("the page is not built: run make ui")
	}
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "waybill")
	if err := errors.Join(build(binary, ".", "./cmd/waybill"), bundle()); err != nil {
		return err
	}
	args := []string{"up", "--data", filepath.Join(dir, "data")}
	for _, name := range []string{"kafka", "query", "collector", "otlp-http", "otlp-grpc"} {
		args = append(args, "--"+name+"-addr", "127.0.0.1:0")
	}
	up, err := run(dir, binary, args...)
	if err != nil {
		return err
	}
	defer func() {
		_, stopped := up.stop()
		err = errors.Join(err, stopped)
	}()
	kafka, err := up.says(`collector is running.* brokers=\[([^\]]+)`)
	if err != nil {
		return err
	}
	url, err := up.says(`query is running.* url=(\S+)`)
	if err != nil {
		return err
	}
	return errors.Join(shown(b, url, kafka), watched(b, url, kafka))
}

// bundle makes one script of those that measure, where it finds what it imports.
func bundle() error {
	cmd := exec.Command("npx", "vite", "build", "--ssr", "bench/measure.ts", "--outDir", "node_modules/.bench", "--emptyOutDir", "--logLevel", "warn")
	cmd.Dir, cmd.Stdout, cmd.Stderr = "ui", os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("bundle ui/bench/measure.ts: %w", err)
	}
	return nil
}

// uses is how often a large journey is used, from its opening on.
const uses = 3

// shown measures how soon journeys are shown, and how they bear being used. They have all that
// makes one hard.
func shown(b *board, url, kafka string) error {
	large, small := journeytest.Worst(100_000, 2, time.Now()), journeytest.Worst(10_000, 1, time.Now())
	for _, m := range []*journeytest.Made{large, small} {
		if err := m.Ship([]string{kafka}); err != nil {
			return err
		}
		last := fmt.Sprintf("%s/api/v1/journeys/%s?records=%d,1", url, m.ID, len(m.Records)-1)
		if err := untilStored(last, len(m.Records)); err != nil {
			return err
		}
	}
	var size struct {
		Bytes  float64
		Loaded map[string]int
	}
	if err := measured(&size, "size", url, small.ID); err != nil {
		return err
	}
	b.say("loaded: %v", size.Loaded)
	b.bounded("first-load-gzip", "kB", size.Bytes/1e3, 100)

	took, err := askHTTP(url, rounds, func() string { return "/api/v1/journeys/" + small.ID + "?records=0,500" })
	if err != nil {
		return err
	}
	var quick struct{ Verdict, Timeline, Empty, Loop float64 }
	if err := measured(&quick, "quick", url, small.ID); err != nil {
		return err
	}
	b.say("this machine: a page without anything takes %.0f ms, 50 million steps of a loop %.0f ms, the API's answer %.0f ms", quick.Empty, quick.Loop, ms(took.P50))
	b.bounded("10k-verdict", "ms", quick.Verdict, 300)
	b.bounded("10k-timeline", "ms", quick.Timeline, 1000)

	var longest []float64
	for range uses {
		var use struct {
			Ready, Opening, Loop float64
			Longest, Gaps        map[string]float64
		}
		if err := measured(&use, "large", url, large.ID); err != nil {
			return err
		}
		longest = append(longest, slices.Max(slices.Collect(maps.Values(use.Longest))))
		b.say("100,000 records: the timeline after %.0f ms, longest task until then %.0f ms; longest of each use in ms (0: none of 50 or more): %v; longest gaps of the event loop, which several tasks make: %v; the loop %.0f ms", use.Ready, use.Opening, use.Longest, use.Gaps, use.Loop)
	}
	b.bounded("100k-longest-task", "ms", quantile(slices.Sorted(slices.Values(longest)), 0.5), 100)
	return nil
}

// untilStored waits until a journey has as many records as were shipped.
func untilStored(url string, records int) error {
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		res, err := http.Get(url)
		if err != nil {
			return err
		}
		var j struct {
			Records int `json:"record_count"`
		}
		err = json.NewDecoder(res.Body).Decode(&j)
		if err = errors.Join(err, res.Body.Close()); err != nil || j.Records == records {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: %s, with %d records and not %d", url, res.Status, j.Records, records)
		}
	}
}

const (
	watchedRate   = 500 // records a second
	watchedEnv    = "WAYBILL_BENCH_TAIL_SECONDS"
	watchedWarmUp = 20 // seconds until the tail is full
)

// watched measures what the tail takes while records come, for five minutes unless the environment
// says otherwise.
func watched(b *board, url, kafka string) (err error) {
	seconds := 300
	if text := os.Getenv(watchedEnv); text != "" {
		if seconds, err = strconv.Atoi(text); err != nil || seconds < 1 {
			return fmt.Errorf("%s=%q: want a number of seconds", watchedEnv, text)
		}
	}
	m, err := measuring("tail", url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.stop()) }()
	var said string
	if err := m.hear(&said); err != nil {
		return err
	}
	w := newWorkload(watchedRate * (watchedWarmUp + seconds))
	err = write(kafka, w, watchedRate, func(second int) error {
		if second != watchedWarmUp {
			return nil
		}
		return m.tell(&said) // it collects its garbage meanwhile
	})
	if err != nil {
		return err
	}
	var tail struct{ Before, Grown, Longest, Gap, Loop float64 }
	if err := m.tell(&tail); err != nil {
		return err
	}
	b.say("tail of %d s: heap of %.1f MB; longest task %.0f ms (0: none of 50 or more), longest gap of the event loop %.0f ms; 50 million steps of a loop %.0f ms", seconds, tail.Before/1e6, tail.Longest, tail.Gap, tail.Loop)
	b.bounded("tail-heap-growth", "MB", tail.Grown/1e6, 20)
	b.bounded("tail-longest-task", "ms", tail.Longest, 50)
	return nil
}

// measuring starts the script that measures in a browser.
func measuring(args ...string) (*keeper, error) {
	cmd := exec.Command("node", append([]string{"ui/node_modules/.bench/measure.js"}, args...)...)
	cmd.Stderr = os.Stderr
	c, err := begin(cmd)
	return &keeper{child: c}, err
}

// measured reads what the script has to say.
func measured(answer any, args ...string) error {
	m, err := measuring(args...)
	if err != nil {
		return err
	}
	return errors.Join(m.hear(answer), m.stop())
}
