package instrument

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
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
// A folder whose lock nobody holds is a dead predecessor's. One whose name begins
// with a dot is being made or removed. Only keep, and run before and after it,
// use a spool; the shipper's lock guards home, err, corrupt and predecessors.
type spool struct {
	root, node, topic string
	service           string
	dir               string // empty: not made yet
	home              string // dir, for others to read
	lock              *flock.Flock
	page              []byte
	pageFile          *os.File
	files             int // segments made so far

	err          error // why there is no new segment now; nil: there is
	corrupt      int   // segments set aside
	limit        int   // most segments that predecessors may have
	left         int   // segments that they have
	predecessors *predecessor
	seen         map[string]bool // instances that were taken over
	unread       []error         // why folders of predecessors are left where they are
}

const (
	lockName     = "LOCK"
	instanceName = "instance.json"
	ledgerName   = "ledger"
	corruptName  = "corrupt"
	maxCorrupt   = 16 // segments kept in corrupt

	// maxPredecessors are taken over at a time, since each holds a file open. A
	// service in a crash loop has more.
	maxPredecessors = 64
)

// openSpool finds what predecessors have left and makes a folder for node. A
// disk that is full is no error: the folder is made once there is room. limit
// bounds the segments of predecessors.
func openSpool(data, service, node, topic string, limit int) (*spool, error) {
	s := &spool{root: filepath.Join(data, "instrument", folder(service)), node: node, topic: topic, service: service, limit: limit, seen: map[string]bool{}}
	if err := os.MkdirAll(s.root, 0o700); err != nil && !full(err) {
		return nil, fmt.Errorf("data folder: %w; choose another or none, records then wait in memory", err)
	}
	s.predecessors = s.inherit()
	if s.err = s.prepare(); s.err != nil && !full(s.err) {
		s.release()
		return nil, fmt.Errorf("data folder: %w; choose another or none, records then wait in memory", s.err)
	}
	s.home = s.dir
	return s, nil
}

// full reports whether err says that a disk, or what one may use of it, is full.
func full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// folder is a service's name as one that every file system takes.
func folder(service string) string {
	return strings.ReplaceAll(url.PathEscape(service), ".", "%2E")
}

// prepare makes the folder. Another start may take it for what a killed one has
// left, as long as it is not locked: then it is made again.
func (s *spool) prepare() (err error) {
	for range 10 {
		if err = s.makeFolder(); !errors.Is(err, errTaken) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return err
}

var errTaken = errors.New("another start is removing it")

// makeFolder makes the folder. It gets its name once it is locked, so that no
// other process takes it for a predecessor's.
func (s *spool) makeFolder() (err error) {
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
	if ok, err := lock.TryLock(); err != nil {
		return err
	} else if !ok {
		return fmt.Errorf("%s: %w", hidden, errTaken)
	}
	b, err := json.Marshal(instance{formatVersion, s.service, s.topic})
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
	Version int    `json:"version"` // formatVersion, of the folder's files
	Service string `json:"service.name"`
	Topic   string `json:"topic"`
}

const formatVersion = 1

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
			bury(s.dir)
		}
		_ = s.lock.Unlock()
	}
	s.release()
}

// bury removes an instance's folder. It loses its name first: one that is half
// removed must not be taken for a predecessor that has written nothing.
func bury(dir string) {
	hidden := filepath.Join(filepath.Dir(dir), ".gone-"+filepath.Base(dir))
	if os.Rename(dir, hidden) == nil {
		dir = hidden
	}
	_ = os.RemoveAll(dir)
}

// release lets go of predecessors, for the next start.
func (s *spool) release() {
	for p := s.predecessors; p != nil; p = p.next {
		_ = p.lock.Unlock()
	}
}

// inherit takes over the folders of dead predecessors, oldest first. What cannot
// be read is left where it is.
func (s *spool) inherit() (oldest *predecessor) {
	entries, err := os.ReadDir(s.root) // by name, so by age
	if err != nil {
		return nil
	}
	var found []*predecessor
	s.unread = nil
	for _, e := range entries {
		dir := filepath.Join(s.root, e.Name())
		if !e.IsDir() || e.Name() == corruptName || s.seen[e.Name()] {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil {
			continue // being made or removed
		}
		lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
		if ok, err := lock.TryLock(); !ok || err != nil {
			continue
		}
		if strings.HasPrefix(e.Name(), ".") { // killed while it was made or removed
			_, _ = os.RemoveAll(dir), lock.Unlock()
			continue
		}
		p, err := newPredecessor(dir, e.Name(), lock)
		switch {
		case errors.Is(err, fs.ErrNotExist) && gone(dir): // another start was faster
			_ = lock.Unlock()
		case err != nil:
			_ = lock.Unlock()
			s.unread = append(s.unread, fmt.Errorf("%s: %w", dir, err))
		case p.account.last == 0 && p.account.refused == 0 && len(p.files) == 0: // it has nothing to say
			bury(dir)
			_ = lock.Unlock()
		default:
			found = append(found, p)
		}
	}
	s.left = curtail(found, s.limit)
	for i := len(found) - 1; i >= 0; i-- {
		if i >= maxPredecessors {
			_ = found[i].lock.Unlock() // for later
			continue
		}
		s.seen[found[i].account.node] = true
		found[i].next, oldest = oldest, found[i]
	}
	return oldest
}

// gone reports whether nothing has that name.
func gone(name string) bool {
	_, err := os.Lstat(name)
	return errors.Is(err, fs.ErrNotExist)
}

// curtail gives up segments of the lowest level, of that the oldest, until there
// are no more than limit, and returns how many are left.
func curtail(found []*predecessor, limit int) (left int) {
	for _, p := range found {
		left += len(p.files)
	}
	for lowest := range lane(lanes) {
		for _, p := range found {
			for i := 0; i < len(p.files) && left > limit; {
				if p.files[i].lane == lowest && p.giveUp(i) {
					left--
				} else {
					i++
				}
			}
		}
	}
	return left
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
