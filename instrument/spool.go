package instrument

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gofrs/flock"
)

// spool is an instance's folder in the data folder, where its buffer lives:
//
//	instrument/<service>/<node>/LOCK           held while the process lives
//	                            instance.json  whose it is
//	                            ledger         the account's page
//	                            000001.segment …
//	instrument/<service>/corrupt/              segments that are not as written
//
// A folder whose lock nobody holds is a dead predecessor's. Only keep, and run
// before and after it, use a spool; the shipper's lock guards err and corrupt.
type spool struct {
	root, node, topic string
	service           string
	dir               string // empty: not made yet
	lock              *flock.Flock
	page              []byte
	pageFile          *os.File
	files             int // segments made so far

	err          error // why there is no new segment now; nil: there is
	corrupt      int   // segments set aside
	left         int   // segments of predecessors
	predecessors *predecessor
}

const (
	lockName     = "LOCK"
	instanceName = "instance.json"
	ledgerName   = "ledger"
	corruptName  = "corrupt"
	maxCorrupt   = 16 // segments kept in corrupt
)

// openSpool finds what predecessors have left and makes a folder for node. A
// disk that is full is no error: the folder is made once there is room.
func openSpool(data, service, node, topic string) (*spool, error) {
	s := &spool{root: filepath.Join(data, "instrument", folder(service)), node: node, topic: topic, service: service}
	if err := os.MkdirAll(s.root, 0o700); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return nil, fmt.Errorf("data folder: %w; choose another or none, records then wait in memory", err)
	}
	s.inherit()
	if s.err = s.prepare(); s.err != nil && !errors.Is(s.err, syscall.ENOSPC) {
		s.release()
		return nil, fmt.Errorf("data folder: %w; choose another or none, records then wait in memory", s.err)
	}
	return s, nil
}

// folder is a service's name as one that every file system takes.
func folder(service string) string {
	return strings.ReplaceAll(url.PathEscape(service), ".", "%2E")
}

// prepare makes the folder. It gets its name once it is locked, so that no
// other process takes it for a predecessor's.
func (s *spool) prepare() (err error) {
	hidden, dir := filepath.Join(s.root, ".new-"+s.node), filepath.Join(s.root, s.node)
	if err := os.MkdirAll(hidden, 0o700); err != nil {
		return err
	}
	lock := flock.New(filepath.Join(hidden, lockName), flock.SetPermissions(0o600))
	defer func() {
		if err != nil {
			err = errors.Join(err, lock.Unlock(), os.RemoveAll(hidden))
		}
	}()
	if _, err := lock.TryLock(); err != nil {
		return err
	}
	b, err := json.Marshal(instance{s.service, s.topic})
	if err == nil {
		err = writeFile(filepath.Join(hidden, instanceName), b)
	}
	if err != nil {
		return err
	}
	page, file, err := mapFile(filepath.Join(hidden, ledgerName), make([]byte, pageBytes))
	if err == nil {
		if err = errors.Join(syncFolder(hidden), os.Rename(hidden, dir), syncFolder(s.root)); err != nil {
			err = errors.Join(err, unmap(page), file.Close())
		}
	}
	if err != nil {
		return err
	}
	s.dir, s.lock, s.page, s.pageFile = dir, lock, page, file
	return nil
}

// instance is what instance.json says.
type instance struct {
	Service string `json:"service.name"`
	Topic   string `json:"topic"`
}

func writeFile(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFolder(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// segment makes a file for a segment.
func (s *spool) segment() (*segment, error) {
	if s.dir == "" {
		if err := s.prepare(); err != nil {
			return nil, err
		}
	}
	s.files++
	name := filepath.Join(s.dir, fmt.Sprintf("%06d.segment", s.files))
	data, file, err := mapFile(name, emptySegment())
	if err != nil {
		return nil, err
	}
	return &segment{data: data, file: file, path: name}, syncFolder(s.dir)
}

// remove deletes the file of a segment that holds nothing.
func (s *spool) remove(seg *segment) {
	_, _, _ = os.Remove(seg.path), unmap(seg.data), seg.file.Close()
}

// close lets go of everything. Where Kafka has all, it leaves nothing behind.
func (s *spool) close(segments []*segment, all bool) {
	for _, seg := range segments {
		if seg.file != nil {
			if !all {
				_ = seg.file.Sync()
			}
			_, _ = unmap(seg.data), seg.file.Close()
		}
	}
	if s.dir != "" {
		_, _ = unmap(s.page), s.pageFile.Close()
		if all {
			_ = os.RemoveAll(s.dir)
		}
		_ = s.lock.Unlock()
	}
	s.release()
}

// release lets go of predecessors, for the next start.
func (s *spool) release() {
	for p := s.predecessors; p != nil; p = p.next {
		_ = p.lock.Unlock()
	}
}

// inherit takes over the folders of dead predecessors, oldest first. What cannot
// be read is left where it is.
func (s *spool) inherit() {
	entries, err := os.ReadDir(s.root)
	if err != nil {
		return
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(b.Name(), a.Name()) }) // last first, see below
	for _, e := range entries {
		dir := filepath.Join(s.root, e.Name())
		if !e.IsDir() || e.Name() == corruptName {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil {
			continue // being made
		}
		lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
		if ok, err := lock.TryLock(); !ok || err != nil {
			continue
		}
		if strings.HasPrefix(e.Name(), ".") { // killed before it had written anything
			_, _ = os.RemoveAll(dir), lock.Unlock()
			continue
		}
		p, err := newPredecessor(dir, e.Name(), lock)
		if err != nil {
			_ = lock.Unlock()
			continue
		}
		s.left += len(p.files)
		p.next, s.predecessors = s.predecessors, p // the oldest comes to the front
	}
}

// setAside moves a segment that is not as it was written out of the way.
func (s *spool) setAside(file string) error {
	dir := filepath.Join(s.root, corruptName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if kept, err := os.ReadDir(dir); err == nil {
		for i := 0; i <= len(kept)-maxCorrupt; i++ { // named by instance, so oldest first
			_ = os.Remove(filepath.Join(dir, kept[i].Name()))
		}
	}
	return os.Rename(file, filepath.Join(dir, filepath.Base(filepath.Dir(file))+"-"+filepath.Base(file)))
}
