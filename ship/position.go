package ship

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/waybill-log/waybill/infra/lockfile"
)

const (
	headBytes    = 16 << 10 // what a file is known by: other files begin in another way
	maxPositions = 10_000   // files that are remembered, those seen last
	saveEvery    = time.Second
	checkBytes   = 256 // of the line before a position, which tells whether it is still there
)

// position is how far one file is shipped, and what the next run must know of it.
type position struct {
	ID        string    `json:"id"`         // the file's fingerprint, in its records' event.id
	Sum       string    `json:"sum"`        // of the file's first bytes
	Head      int       `json:"head"`       // how many of them
	Path      string    `json:"path"`       // where it was seen last
	Name      string    `json:"name"`       // of the service, where nothing else tells it
	Format    string    `json:"format"`     // as it was found; empty: it was said
	FirstSeen time.Time `json:"first_seen"` // the time of lines before the first that tells one
	Modified  time.Time `json:"modified"`   // the file's, at first sight: tells the year of times without one
	Seen      time.Time `json:"seen"`
	mark

	busy bool // an input reads it
	read mark // how far it has been read in this run; of the goroutine that reads
}

// mark is a place in a file up to which all is acknowledged.
type mark struct {
	Offset int64     `json:"offset"`
	LineAt int64     `json:"line_at"` // where the line before it begins
	Check  uint32    `json:"check"`   // of that line
	Last   time.Time `json:"last"`    // the last time that was read up to there; zero: none yet
	of     *position // for which it is
}

// Positions are all files that have been shipped from a machine, in a folder that
// one process at a time has. A nil one remembers nothing.
type Positions struct {
	file   string
	unlock func() error

	mu    sync.Mutex
	files []*position
	fresh bool // a file's first sight has not been saved
	dirty bool
	saved time.Time // when that was last tried
}

type positionsFile struct {
	Version int         `json:"version"`
	Files   []*position `json:"files"`
}

// OpenPositions reads what a folder remembers. What cannot be read is set aside, and
// its new name is the warning.
func OpenPositions(dir string) (p *Positions, warning string, err error) {
	unlock, err := lockfile.Acquire(dir)
	if err != nil {
		return nil, "", err
	}
	p = &Positions{file: filepath.Join(dir, "positions.json"), unlock: unlock}
	b, err := os.ReadFile(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return p, "", nil
	}
	var read positionsFile
	if err == nil {
		if err = json.Unmarshal(b, &read); err == nil && read.Version != 1 {
			err = fmt.Errorf("version %d, want 1", read.Version)
		}
	}
	if err != nil {
		aside := p.file + ".unreadable-" + strconv.FormatInt(time.Now().Unix(), 10)
		if moved := os.Rename(p.file, aside); moved != nil {
			return nil, "", errors.Join(fmt.Errorf("positions in %s cannot be read: %w", p.file, err), moved, unlock())
		}
		return p, fmt.Sprintf("positions in %s cannot be read (%v) and are set aside as %s: files are shipped from their beginning, and what is stored stays one", p.file, err, aside), nil
	}
	p.files = slices.DeleteFunc(read.Files, func(f *position) bool { return f == nil || f.Head <= 0 || f.Offset < 0 || f.LineAt > f.Offset })
	return p, "", nil
}

// Close saves, and gives the folder free.
func (p *Positions) Close() error {
	if p == nil {
		return nil
	}
	return errors.Join(p.save(true), p.unlock())
}

// find returns the file that begins with a head and is free; whole tells whether it still holds the
// line before its position.
func (p *Positions) find(head []byte, path string, whole func(*position) bool) (known *position, busy bool) {
	if p == nil {
		return nil, false
	}
	p.mu.Lock()
	candidates := slices.Clone(p.files)
	p.mu.Unlock()
	sums := map[int]string{}
	slices.SortStableFunc(candidates, func(a, b *position) int { return b.Head - a.Head })
	for _, f := range candidates {
		if f.Head > len(head) {
			continue
		}
		if sums[f.Head] == "" {
			sums[f.Head] = sumOf(head[:f.Head])
		}
		grown := f.Head < len(head) && f.Head < headBytes // a file that begins so may be another one
		if sums[f.Head] != f.Sum || grown && f.Path != path && p.stillThere(f) || !whole(f) {
			continue
		}
		if f.busy {
			busy = true
			continue
		}
		return f, false
	}
	return nil, busy
}

// stillThere reports whether a file is where it was seen last.
func (p *Positions) stillThere(f *position) bool {
	head, err := headOf(f.Path)
	return err == nil && len(head) >= f.Head && sumOf(head[:f.Head]) == f.Sum
}

// before is the file that a path named before another one took it; nil: none is known.
func (p *Positions) before(path string, now *position) (latest *position) {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.files {
		if f != now && f.Path == path && !f.busy && (latest == nil || f.Seen.After(latest.Seen)) {
			latest = f
		}
	}
	return latest
}

// add remembers a file at its first sight.
func (p *Positions) add(f *position) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	others := 0
	for _, o := range p.files {
		if o.Sum == f.Sum {
			others++
		}
	}
	if others > 0 { // it begins as another one does, and is not that one
		f.ID += "~" + strconv.Itoa(others+1)
	}
	p.files = append(p.files, f)
	p.fresh, p.dirty = true, true
}

// claim keeps a file to one input.
func (p *Positions) claim(f *position, path string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f.busy, f.Path, f.Seen, p.dirty = true, path, time.Now().UTC().Round(0), true
}

// release gives it free.
func (p *Positions) release(f *position) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	f.busy = false
}

// at is the mark of a file.
func (p *Positions) at(f *position) mark {
	if p == nil {
		return f.mark
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return f.mark
}

// settle moves positions, and saves them now and then.
func (p *Positions) settle(marks []mark) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	for _, m := range marks {
		m.of.mark = m
		m.of.Seen = time.Now().UTC().Round(0)
		p.dirty = true
	}
	p.mu.Unlock()
	return p.save(false)
}

// remember saves the first sight of files, before anything of them is shipped.
func (p *Positions) remember() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	fresh := p.fresh
	p.mu.Unlock()
	if !fresh {
		return nil
	}
	return p.save(true)
}

// save replaces the file whole. After an error it is tried again when it is due.
func (p *Positions) save(now bool) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dirty || !now && time.Since(p.saved) < saveEvery {
		return nil
	}
	if len(p.files) > maxPositions {
		slices.SortStableFunc(p.files, func(a, b *position) int { return b.Seen.Compare(a.Seen) })
		kept := p.files[:0]
		for i, f := range p.files {
			if i < maxPositions || f.busy {
				kept = append(kept, f)
			}
		}
		p.files = kept
	}
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(positionsFile{1, p.files}); err != nil {
		return err
	}
	p.saved = time.Now()
	if err := replace(p.file, b.Bytes()); err != nil {
		return fmt.Errorf("positions in %s cannot be saved: %w", p.file, err)
	}
	p.fresh, p.dirty = false, false
	return nil
}

// replace writes a file anew, so that after a crash it is the old one or the new one.
func replace(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func sumOf(head []byte) string {
	sum := sha256.Sum256(head)
	return hex.EncodeToString(sum[:8])
}
