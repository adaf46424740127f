package ship

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// follower follows files in a bubble, in which time passes when everything waits.
type follower struct {
	t       *testing.T
	dir     string
	s       *shelf
	said    []string
	stop    context.CancelFunc
	ended   chan Receipt
	opened  *Positions
	changed func(*Config)
}

func (f *follower) path(name string) string { return filepath.Join(f.dir, name) }

func (f *follower) start(files ...string) {
	f.t.Helper()
	cfg := Config{Follow: true, Carrier: f.s, InOrder: true, Warn: func(text string) { f.said = append(f.said, text) }}
	for _, name := range files {
		cfg.Files = append(cfg.Files, f.path(name))
	}
	if f.changed != nil {
		f.changed(&cfg)
	}
	f.opened = open(f.t, f.path(".positions"))
	cfg.Positions = f.opened
	ctx, stop := context.WithCancel(f.t.Context())
	f.stop, f.ended = stop, make(chan Receipt, 1)
	go func() {
		receipt, err := Run(ctx, cfg)
		if !errors.Is(err, context.Canceled) {
			f.t.Errorf("following ended: %v", err)
		}
		f.ended <- receipt
	}()
	time.Sleep(time.Second)
}

func (f *follower) end() Receipt {
	f.t.Helper()
	time.Sleep(10 * time.Second)
	f.stop()
	receipt := <-f.ended
	if err := f.opened.Close(); err != nil {
		f.t.Error(err)
	}
	return receipt
}

func (f *follower) write(name, text string) {
	f.t.Helper()
	write(f.t, f.path(name), text)
	time.Sleep(2 * time.Second)
}

func (f *follower) do(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func following(t *testing.T, do func(*follower)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { do(&follower{t: t, dir: dir, s: &shelf{}}) })
}

func TestAFileThatGrowsIsFollowed(t *testing.T) {
	following(t, func(f *follower) {
		f.start("a.log") // which is not there yet
		f.write("a.log", "INFO one\nINFO tw")
		same(t, f.s.messages(t), "INFO one")
		f.write("a.log", "o\n")
		same(t, f.s.messages(t), "INFO one", "INFO two")
		f.end()
		f.write("a.log", "INFO three\n")
		f.start("a.log")
		f.end()
		same(t, f.s.messages(t), "INFO one", "INFO two", "INFO three")
	})
}

func TestRotationByRenameLosesAndDoublesNothing(t *testing.T) {
	for _, glob := range []string{"a.log", "a.log*"} {
		following(t, func(f *follower) {
			f.start(glob)
			f.write("a.log", "one\n")
			time.Sleep(time.Second)
			f.do(os.Rename(f.path("a.log"), f.path("a.log.1")))
			write(t, f.path("a.log.1"), "two, by a writer that has not noticed\n")
			f.write("a.log", "three\n")
			time.Sleep(5 * time.Second)
			f.do(os.Rename(f.path("a.log.1"), f.path("a.log.2")))
			f.do(os.Rename(f.path("a.log"), f.path("a.log.1")))
			write(t, f.path("a.log.1"), "four without an end")
			f.write("a.log", "five\n")
			receipt := f.end()
			got := f.s.messages(t)
			slices.Sort(got)
			want := []string{"five", "four without an end", "one", "three", "two, by a writer that has not noticed"}
			if glob != "a.log" { // then it is followed on, and may get its end
				want = slices.Delete(want, 1, 2)
			}
			if !slices.Equal(got, want) || receipt.Truncated > 0 {
				t.Errorf("%s: got %q, want %q; %v", glob, got, want, receipt)
			}
		})
	}
}

func TestRotationByCopyAndTruncationLosesAndDoublesNothing(t *testing.T) {
	for _, glob := range []string{"a.log", "a.log*"} {
		following(t, func(f *follower) {
			f.start(glob)
			f.write("a.log", "one\n")
			write(t, f.path("a.log"), "two, just before\n")
			text, err := os.ReadFile(f.path("a.log"))
			f.do(err)
			f.do(os.WriteFile(f.path("a.log.1"), text, 0o600))
			f.do(os.Truncate(f.path("a.log"), 0))
			f.write("a.log", "three\n")
			receipt := f.end()
			same(t, f.s.messages(t), "one", "two, just before", "three")
			if receipt.Truncated != 1 || !strings.Contains(strings.Join(f.said, "\n"), "a.log was truncated") {
				t.Errorf("%s: receipt %+v, said %q", glob, receipt, f.said)
			}
		})
	}
}

func TestATruncatedFileThatIsLongerAgainIsNoticed(t *testing.T) {
	following(t, func(f *follower) {
		f.start("a.log")
		f.write("a.log", "one\n")
		f.do(os.Truncate(f.path("a.log"), 0))
		f.write("a.log", "two, longer than before\nthree\n")
		f.end()
		same(t, f.s.messages(t), "one", "two, longer than before", "three")
	})
}

func TestWhatWasRotatedWhileNobodyFollowedIsCaughtUpWith(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		following(t, func(f *follower) {
			f.write("a.log", "one\n")
			f.start("a.log")
			f.end()
			f.write("a.log", "two\n")
			if compressed {
				text, err := os.ReadFile(f.path("a.log"))
				f.do(err)
				var b bytes.Buffer
				z := gzip.NewWriter(&b)
				z.Write(text)
				z.Close()
				f.do(os.WriteFile(f.path("a.log.1.gz"), b.Bytes(), 0o600))
				f.do(os.Remove(f.path("a.log")))
			} else {
				f.do(os.Rename(f.path("a.log"), f.path("a.log.1")))
			}
			f.write("a.log", "three\n")
			f.start("a.log")
			f.end()
			same(t, f.s.messages(t), "one", "two", "three")
		})
	}
}

func TestAFileThatVanishesIsSaid(t *testing.T) {
	following(t, func(f *follower) {
		f.start("a.log", "b.log")
		f.write("a.log", "one\n")
		f.do(os.Remove(f.path("a.log")))
		f.write("b.log", "two\n")
		f.end()
		same(t, f.s.messages(t), "one", "two")
		if !strings.Contains(strings.Join(f.said, "\n"), "a.log is gone") {
			t.Errorf("said %q", f.said)
		}
	})
}

func TestARecordOfSeveralLinesIsTakenAsWholeAfterAWhile(t *testing.T) {
	following(t, func(f *follower) {
		f.changed = func(c *Config) { c.Start = regexp.MustCompile(`^INFO`) }
		f.start("a.log")
		f.write("a.log", "INFO one\n at x\n")
		f.write("a.log", " at y\n")
		same(t, f.s.messages(t))
		time.Sleep(10 * time.Second)
		same(t, f.s.messages(t), "INFO one\n at x\n at y")
		f.write("a.log", "INFO two\n")
		f.stop()
		<-f.ended
		f.do(f.opened.Close())
		f.write("a.log", " at z\n")
		f.start("a.log")
		f.end()
		same(t, f.s.messages(t), "INFO one\n at x\n at y", "INFO two\n at z")
	})
}

// A writer logs, and its file is rotated one way or the other at random; who follows stops and starts again. Each
// line is shipped, and all that are shipped twice are one record.
func TestNoLineIsLostUnderRandomRotation(t *testing.T) {
	for seed := range uint64(seeds()) {
		random := rand.New(rand.NewPCG(seed, 1))
		following(t, func(f *follower) {
			written, rotations := 0, 0
			f.start("a.log*")
			for range 60 {
				var text strings.Builder
				for range random.IntN(20) {
					fmt.Fprintf(&text, "2026-03-01T08:%02d:%02dZ INFO line %d\n", written/60%60, written%60, written)
					written++
				}
				write(t, f.path("a.log"), text.String())
				switch random.IntN(8) {
				case 0:
					rotations++
					f.do(os.Rename(f.path("a.log"), f.path(fmt.Sprintf("a.log.%d", rotations))))
				case 1:
					rotations++
					b, err := os.ReadFile(f.path("a.log"))
					f.do(err)
					f.do(os.WriteFile(f.path(fmt.Sprintf("a.log.%d", rotations)), b, 0o600))
					f.do(os.Truncate(f.path("a.log"), 0))
				case 2:
					f.stop()
					<-f.ended
					f.do(f.opened.Close())
					time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
					f.start("a.log*")
				}
				time.Sleep(time.Duration(random.IntN(3000)) * time.Millisecond)
			}
			f.end()
			lines, ids := map[string]bool{}, map[string]string{}
			for _, r := range f.s.records(t) {
				lines[r.Message] = true
				if known, twice := ids[r.Identity()]; twice && known != r.Message {
					t.Errorf("seed %d: %s is %q and %q", seed, r.Identity(), known, r.Message)
				}
				ids[r.Identity()] = r.Message
			}
			if len(lines) != written || len(ids) != written {
				t.Errorf("seed %d: %d lines written, %d shipped as %d records", seed, written, len(lines), len(ids))
			}
		})
		if t.Failed() {
			return
		}
	}
}

func seeds() int {
	if os.Getenv("TORTURE") != "" {
		return 500
	}
	return 8
}
