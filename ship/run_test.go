package ship

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, dir string) *Positions {
	t.Helper()
	p, warning, err := OpenPositions(dir)
	if err != nil || warning != "" {
		t.Fatal(warning, err)
	}
	return p
}

// shipped runs once with the positions of a folder.
func shipped(t testing.TB, positions string, cfg Config) (*shelf, Receipt) {
	t.Helper()
	s := &shelf{}
	p := open(t, positions)
	defer p.Close()
	cfg.Carrier, cfg.Positions, cfg.InOrder = s, p, true
	receipt, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, receipt
}

func write(t testing.TB, path, text string) string {
	t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func same(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFileIsShippedOnceUnderAnyNameAndCompressed(t *testing.T) {
	dir, positions := t.TempDir(), t.TempDir()
	log := write(t, filepath.Join(dir, "app.log"), "INFO one\nINFO two\nINFO two\n")
	first, _ := shipped(t, positions, Config{Files: []string{log}})
	same(t, first.messages(t), "INFO one", "INFO two", "INFO two")
	ids := map[string]bool{}
	for _, r := range first.records(t) {
		ids[r.Identity()] = true
	}
	if len(ids) != 3 {
		t.Errorf("equal lines have one identity: %v", ids)
	}

	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	text, _ := os.ReadFile(log)
	z.Write(text)
	z.Close()
	packed := filepath.Join(dir, "app.log.1.gz")
	if err := os.WriteFile(packed, zipped.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(dir, "elsewhere.txt")
	if err := os.Rename(log, moved); err != nil {
		t.Fatal(err)
	}
	again, receipt := shipped(t, positions, Config{Files: []string{moved, packed}})
	if len(again.body) > 0 || receipt.Finished != 2 {
		t.Errorf("shipped again: %+v %s", receipt, again.body)
	}
	for _, path := range []string{moved, packed} {
		if all, _ := shipped(t, positions, Config{Files: []string{path}, Again: true}); !bytes.Equal(all.body, first.body) {
			t.Errorf("from its start, %s gives\n%s\nnot\n%s", path, all.body, first.body)
		}
	}
	p := open(t, positions)
	defer p.Close()
	s := &shelf{}
	if _, err := Run(t.Context(), Config{Files: []string{"-"}, Stdin: bytes.NewReader(text), Carrier: s, InOrder: true, Positions: p}); err != nil || !bytes.Equal(s.body, first.body) {
		t.Errorf("through a pipe (%v):\n%s\nnot\n%s", err, s.body, first.body)
	}
}

func TestTheSameBytesAreMadeInAnyNumberOfRuns(t *testing.T) {
	text := "no time yet\n2026-03-01T08:00:00Z INFO a\nundated\n2026-03-01T08:00:01Z INFO b\nundated\nlast without an end"
	dir := t.TempDir()
	whole, _ := shipped(t, t.TempDir(), Config{Files: []string{write(t, filepath.Join(dir, "whole.log"), text)}, now: func() time.Time { return time.Unix(1e9, 0) }})
	want := strings.ReplaceAll(string(whole.body), `"whole"`, `"grown"`)

	positions, grown := t.TempDir(), filepath.Join(dir, "grown.log")
	var got []byte
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		write(t, grown, line)
		some, _ := shipped(t, positions, Config{Files: []string{grown}, now: func() time.Time { return time.Unix(1e9+int64(i), 0) }})
		got = append(got, some.body...)
	}
	// Its identity is that of its first sight, when it had one line only.
	sum, oneLine := sumOf([]byte(text)), sumOf([]byte(lines[0]))
	if want = strings.ReplaceAll(want, sum, oneLine); string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestALineWithoutAnEndIsReadAgainWhenItHasOne(t *testing.T) {
	positions, log := t.TempDir(), filepath.Join(t.TempDir(), "a.log")
	write(t, log, "one\ntw")
	s, _ := shipped(t, positions, Config{Files: []string{log}})
	same(t, s.messages(t), "one", "tw")
	write(t, log, "o\nthree\n")
	s, _ = shipped(t, positions, Config{Files: []string{log}})
	same(t, s.messages(t), "two", "three")
}

func TestFilesThatBeginAlikeAreTwo(t *testing.T) {
	positions, dir := t.TempDir(), t.TempDir()
	banner := strings.Repeat("the same banner in every run\n", headBytes/20)
	a := write(t, filepath.Join(dir, "run1.log"), banner+"first run\n")
	b := write(t, filepath.Join(dir, "run2.log"), banner+"another run, and longer than the first\n")
	lines := strings.Count(banner, "\n") + 1
	s, _ := shipped(t, positions, Config{Files: []string{a}})
	if n := len(s.records(t)); n != lines {
		t.Fatalf("%d records of the first, want %d", n, lines)
	}
	t2, _ := shipped(t, positions, Config{Files: []string{b}})
	if n := len(t2.records(t)); n != lines {
		t.Fatalf("%d records of the second, want %d", n, lines)
	}
	if id := t2.records(t)[0].Identity(); id == s.records(t)[0].Identity() {
		t.Errorf("both have a record %s", id)
	}
}

func TestWhatCannotBeReadIsSaidAndTheRestIsShipped(t *testing.T) {
	dir := t.TempDir()
	f := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	for i := range 5000 {
		fmt.Fprintf(z, "line %d %x\n", i, i*i*i)
	}
	z.Close()
	secret := f("secret.log", []byte("x\n"))
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	var said []string
	cfg := Config{Files: []string{
		f("a.log", []byte("fine\n")), dir, filepath.Join(dir, "absent.log"), f("picture.png", append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), bytes.Repeat([]byte{0, 200, 1}, 99)...)),
		f("empty.log", nil), f("broken.gz", zipped.Bytes()[:zipped.Len()/2]), f("no.gz", []byte("\x1f\x8bnot gzip at all")), filepath.Join(dir, "nothing*here"), secret,
		f("b.log", []byte("fine too\n")),
	}, Warn: func(text string) { said = append(said, text) }}
	s, receipt := shipped(t, t.TempDir(), cfg)
	all := strings.Join(said, "\n")
	for _, want := range []string{"is a directory: give its files", "absent.log: no such file", "picture.png is binary", "broken.gz is compressed and ends too early", "gzip: invalid header"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q in\n%s", want, all)
		}
	}
	got := s.messages(t)
	if got[0] != "fine" || got[len(got)-1] != "fine too" || len(got) < 100 {
		t.Errorf("shipped %d: %q", len(got), got[:2])
	}
	failed := 4
	if os.Geteuid() != 0 { // who may read everything reads this too
		failed = 5
		if !strings.Contains(all, "permission denied; run as who may read it") {
			t.Errorf("nothing says who may not read in\n%s", all)
		}
	}
	if receipt.Failed != failed || receipt.BinaryFiles != 1 {
		t.Errorf("receipt %+v", receipt)
	}
	if _, err := Run(t.Context(), Config{Files: []string{filepath.Join(dir, "nothing*here")}, Carrier: &shelf{}}); err == nil || !strings.Contains(err.Error(), "no file is called") {
		t.Errorf("no file at all: %v", err)
	}
}

func TestAHugeLineIsCutAndItsNeighboursAreWhole(t *testing.T) {
	log := filepath.Join(t.TempDir(), "a.log")
	write(t, log, `{"msg":"before"}`+"\n"+`{"msg":"`+strings.Repeat("y", 50<<20)+"\"}\n"+`{"msg":"behind"}`+"\n")
	s, receipt := shipped(t, t.TempDir(), Config{Files: []string{log}, Format: "json"})
	got := s.records(t)
	if len(got) != 3 || got[0].Message != "before" || got[2].Message != "behind" || !strings.HasSuffix(got[1].Message, "…[cut]") || len(got[1].Message) < 100_000 {
		t.Errorf("%d records", len(got))
	}
	if receipt.Cut != 1 || receipt.Unparsed != 1 {
		t.Errorf("receipt %+v", receipt)
	}
}

// refusing lets some batches through and then none.
type refusing struct {
	shelf
	let int
}

var errRefused = errors.New("no more")

func (r *refusing) Carry(ctx context.Context, b *Batch) (int, error) {
	if r.let--; r.let < 0 {
		return 0, errRefused
	}
	return r.shelf.Carry(ctx, b)
}

func TestAPositionMovesOnlyBehindWhatIsAcknowledged(t *testing.T) {
	positions, log := t.TempDir(), filepath.Join(t.TempDir(), "a.log")
	var all strings.Builder
	for i := range 3*batchRecords + 17 {
		fmt.Fprintf(&all, "line %d\n", i)
	}
	write(t, log, all.String())
	p := open(t, positions)
	r := &refusing{let: 2}
	receipt, err := Run(t.Context(), Config{Files: []string{log}, Carrier: r, InOrder: true, Positions: p})
	if !errors.Is(err, errRefused) || receipt.Shipped == 0 || receipt.Shipped >= receipt.Read {
		t.Fatalf("%v %+v", err, receipt)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	rest, receipt := shipped(t, positions, Config{Files: []string{log}})
	if got := append(r.messages(t), rest.messages(t)...); strings.Join(got, "\n")+"\n" != all.String() {
		t.Errorf("%d lines of %d, receipt %+v", len(got), 3*batchRecords+17, receipt)
	}
}

// firstFails refuses the first batch once two behind it are acknowledged.
type firstFails struct {
	shelf
	others chan struct{}
}

func (c *firstFails) Carry(ctx context.Context, b *Batch) (int, error) {
	if bytes.Contains(b.Body, []byte("-000000000000-")) {
		<-c.others
		<-c.others
		return 0, errRefused
	}
	defer func() { c.others <- struct{}{} }()
	return c.shelf.Carry(ctx, b)
}

func TestNoPositionMovesPastABatchThatFailed(t *testing.T) {
	positions, log := t.TempDir(), filepath.Join(t.TempDir(), "a.log")
	write(t, log, strings.Repeat("a line\n", 3*batchRecords))
	p := open(t, positions)
	c := &firstFails{others: make(chan struct{}, 10)}
	if _, err := Run(t.Context(), Config{Files: []string{log}, Carrier: c, Positions: p}); !errors.Is(err, errRefused) {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if s, _ := shipped(t, positions, Config{Files: []string{log}}); len(s.messages(t)) != 3*batchRecords {
		t.Errorf("the next run ships %d lines", len(s.messages(t)))
	}
}

func TestARunThatIsInterruptedAnywhereLosesNothing(t *testing.T) {
	positions, log := t.TempDir(), filepath.Join(t.TempDir(), "a.log")
	var text strings.Builder
	const lines = 300_000
	for i := range lines {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	write(t, log, text.String())
	c := &shelf{}
	for i := range 30 {
		p := open(t, positions)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Millisecond)
		_, err := Run(ctx, Config{Files: []string{log}, Carrier: c, Positions: p})
		cancel()
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			break
		}
	}
	rest, _ := shipped(t, positions, Config{Files: []string{log}})
	seen := map[string]bool{}
	for _, message := range append(c.messages(t), rest.messages(t)...) {
		seen[message] = true
	}
	if len(seen) != lines {
		t.Errorf("%d of %d lines are shipped", len(seen), lines)
	}
}

func TestAMarkedFileWhoseFirstLineHasNoEndIsTheSameLater(t *testing.T) {
	positions, log := t.TempDir(), filepath.Join(t.TempDir(), "a.log")
	write(t, log, "\xff\xfeo\x00n\x00")
	first, _ := shipped(t, positions, Config{Files: []string{log}})
	again, _ := shipped(t, positions, Config{Files: []string{log}})
	if len(first.body) == 0 || !bytes.Equal(first.body, again.body) {
		t.Errorf("first %s then %s", first.body, again.body)
	}
}

func TestPositionsThatCannotBeSavedAreSaidAndShippingGoesOn(t *testing.T) {
	dir := t.TempDir()
	log := write(t, filepath.Join(dir, "a.log"), "one\n")
	p := open(t, filepath.Join(dir, "positions"))
	p.file = filepath.Join(dir, "no such folder", "positions.json") // as on a disk that is full
	var said []string
	s := &shelf{}
	_, err := Run(t.Context(), Config{Files: []string{log}, Carrier: s, Positions: p, Warn: func(text string) { said = append(said, text) }})
	if err == nil || !strings.Contains(err.Error(), "cannot be saved") {
		t.Errorf("the run ends with %v", err)
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "shipping goes on") {
		t.Errorf("said %q", all)
	}
	same(t, s.messages(t), "one")
}

func TestPositionsThatCannotBeReadAreSetAside(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"{", `{"version":9}`, "\x00\x00"} {
		if err := os.WriteFile(filepath.Join(dir, "positions.json"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		p, warning, err := OpenPositions(dir)
		if err != nil || !strings.Contains(warning, "set aside") {
			t.Fatal(warning, err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	p := open(t, dir)
	defer p.Close()
	if _, _, err := OpenPositions(dir); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second one: %v", err)
	}
}

func TestAPipeThatPausesIsShippedWhileItDoes(t *testing.T) {
	r, w := io.Pipe()
	s := &shelf{}
	ended := make(chan error, 1)
	go func() {
		_, err := Run(t.Context(), Config{Files: []string{"-"}, Stdin: r, Carrier: s, Poll: 10 * time.Millisecond})
		ended <- err
	}()
	w.Write([]byte("INFO one\n"))
	for len(s.messages(t)) < 1 {
		time.Sleep(time.Millisecond)
	}
	w.Write([]byte("INFO two\nINFO th"))
	w.Write([]byte("ree"))
	w.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	same(t, s.messages(t), "INFO one", "INFO two", "INFO three")
}
