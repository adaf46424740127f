package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/s2"

	"github.com/waybill-log/waybill/store"
)

// File is one file of a store.
type File struct {
	Name        string `json:"name"`
	State       string `json:"state"` // hot, sealed, summaries, or set aside
	Records     int64  `json:"records"`
	RecordBytes int64  `json:"record_bytes"` // as they were written
	Bytes       int64  `json:"bytes"`        // on disk
}

// States of a file.
const (
	Hot       = "hot"
	Sealed    = "sealed"
	Summaries = "summaries"
	SetAside  = "set aside"
)

// Inspect tells what a folder holds, oldest first. It changes nothing, and another
// process may have the store open. Errors name the file.
func Inspect(ctx context.Context, dir string) ([]File, error) {
	access, err := newAccess()
	if err != nil {
		return nil, err
	}
	var out []File
	err = eachFile(ctx, dir, func(f *File) error {
		switch f.State {
		case Sealed:
			s, err := openSealed(filepath.Join(dir, f.Name), access)
			if err != nil {
				return err
			}
			f.Records, f.RecordBytes = int64(s.head.Records), s.head.Bytes
			s.release()
		case Hot:
			err := eachBlock(ctx, filepath.Join(dir, f.Name), func(records [][]byte) error {
				f.count(records)
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}, func(f File, err error) error {
		out = append(out, f)
		return err
	})
	return out, err
}

// Check reads all a folder holds, and what was written beside the records to find
// them: report is called for each file, with what is wrong with it. It changes
// nothing, and another process may have the store open. Its own error is of the
// folder, of ctx or of report.
func Check(ctx context.Context, dir string, report func(File, error) error) error {
	access, err := newAccess()
	if err != nil {
		return err
	}
	return eachFile(ctx, dir, func(f *File) error {
		path := filepath.Join(dir, f.Name)
		switch f.State {
		case Sealed:
			return errors.Join(integrity(ctx, path), f.checkSealed(ctx, path, access))
		case Hot:
			return errors.Join(integrity(ctx, path), eachBlock(ctx, path, func(records [][]byte) error {
				f.count(records)
				for _, raw := range records {
					if _, err := store.NewEntry(raw); err != nil {
						return err
					}
				}
				return nil
			}))
		case Summaries:
			return errors.Join(integrity(ctx, path), checkSummaries(ctx, path))
		}
		return nil
	}, report)
}

func (f *File) count(records [][]byte) {
	f.Records += int64(len(records))
	for _, raw := range records {
		f.RecordBytes += int64(len(raw))
	}
}

// eachFile visits a store's files. One that is gone meanwhile has been replaced by
// another, which is visited instead.
func eachFile(ctx context.Context, dir string, visit func(*File) error, report func(File, error) error) error {
	seen := map[string]bool{}
	for {
		names, err := fileNames(dir)
		if err != nil {
			return err
		}
		gone := false
		for _, name := range names {
			f := File{Name: name, State: stateOf(name)}
			if f.State == "" || seen[name] {
				continue
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			seen[name] = true
			info, err := os.Stat(filepath.Join(dir, name))
			if err == nil {
				f.Bytes = info.Size()
				err = visit(&f)
			}
			if _, there := os.Stat(filepath.Join(dir, name)); errors.Is(there, os.ErrNotExist) {
				gone = true
				continue
			}
			if err := report(f, err); err != nil {
				return err
			}
		}
		if !gone {
			return nil
		}
	}
}

func stateOf(name string) string {
	whole := strings.TrimSuffix(name, corruptSuffix)
	_, _, ok := parseName(strings.TrimSuffix(whole, filepath.Ext(whole)))
	switch {
	case !ok:
		return ""
	case strings.HasSuffix(name, corruptSuffix):
		return SetAside
	case strings.HasSuffix(name, sealedSuffix):
		return Sealed
	case strings.HasSuffix(name, hotSuffix):
		return Hot
	case strings.HasSuffix(name, summariesSuffix):
		return Summaries
	default:
		return ""
	}
}

// eachBlock reads a hot file, whoever has it open.
func eachBlock(ctx context.Context, path string, visit func(records [][]byte) error) error {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=rw&_pragma=busy_timeout(5000)&_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if version, err := readVersion(db, hotVersion); err != nil || version == 0 {
		if err != nil {
			err = fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		return err
	}
	rows, err := db.QueryContext(ctx, "SELECT n, data FROM blocks ORDER BY n")
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), damage(err))
	}
	defer rows.Close()
	for want := 0; rows.Next(); want++ {
		var n int
		var sealed []byte
		if err := rows.Scan(&n, &sealed); err != nil {
			return err
		}
		records, err := openBlock(n, sealed)
		if err == nil && n != want {
			err = fmt.Errorf("%w: block %d is missing", errCorrupt, want)
		}
		if err == nil {
			err = visit(records)
		}
		if err != nil {
			return fmt.Errorf("block %d of %s: %w", n, filepath.Base(path), err)
		}
	}
	return damage(rows.Err())
}

// openBlock reads a block as a hot file has it.
func openBlock(n int, sealed []byte) ([][]byte, error) {
	data, err := unseal(sealed, uint64(n))
	if err != nil {
		return nil, err
	}
	payload, err := s2.Decode(nil, data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return parseBlock(payload)
}

// integrity has SQLite check a file.
func integrity(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=rw&_pragma=busy_timeout(5000)&_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&found); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), damage(err))
	}
	if found != "ok" {
		return fmt.Errorf("%s: %w: %s", filepath.Base(path), errCorrupt, found)
	}
	return nil
}

// checkSummaries reads every summary, whoever has the file open.
func checkSummaries(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=rw&_pragma=busy_timeout(5000)&_pragma=query_only(1)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := readVersion(db, summariesVersion); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	f := summaryFile{path: path, db: db}
	return f.each(ctx, func(store.Summary) {}, "number > 0")
}

// checkSealed reads every part, and makes the index anew from the records.
func (f *File) checkSealed(ctx context.Context, path string, a *access) error {
	s, err := openSealed(path, a)
	if err != nil {
		return err
	}
	defer s.release()
	index, r := newIndex(), reader{}
	for n := range s.place.first {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		records, err := s.load(n)
		if err != nil {
			return err
		}
		for i, raw := range records {
			if _, err := store.NewEntry(raw); err != nil {
				return fmt.Errorf("%w: record %d of block %d of %s: %w", errCorrupt, i, n, f.Name, err)
			}
			r.read(raw, func(term []byte) { index.add(term, s.place.first[n]+uint32(i)) })
		}
		if s.place.first[n] != uint32(f.Records) {
			return fmt.Errorf("%w: block %d of %s does not begin where the one before ends", errCorrupt, n, f.Name)
		}
		f.count(records)
	}
	if uint32(f.Records) != s.head.Records {
		return fmt.Errorf("%w: %s holds %d records, and tells of %d", errCorrupt, f.Name, f.Records, s.head.Records)
	}
	for i := range s.pages {
		page, err := s.unpacked(pagePart, i)
		if err != nil {
			return err
		}
		err = eachTerm(page, func(term []byte, _ uint64, list []byte) (bool, error) {
			found, err := parsePostings(list, s.head.Records)
			if err != nil {
				return false, err
			}
			if want := index.get(string(term)); want == nil || !want.Equals(found) {
				return false, fmt.Errorf("%w: a term of page %d has other records than it should", errCorrupt, i)
			}
			delete(index.places, string(term))
			return true, nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	if len(index.places) > 0 {
		return fmt.Errorf("%w: %d terms of %s are missing", errCorrupt, len(index.places), f.Name)
	}
	_, err = s.numbers()
	return errors.Join(err, func() error { _, err := s.times(); return err }(), s.newest(0, func(string, int64) bool { return true }))
}

// Backup copies a store into a folder that is empty or does not exist, while another
// process may be writing to it: all that was acknowledged before the call is in the
// copy. What is sealed meanwhile may be there in both forms, of which [Open] takes one.
func Backup(ctx context.Context, dir, to string) ([]File, error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return nil, err
	}
	if there, err := os.ReadDir(to); err != nil || len(there) > 0 {
		return nil, errors.Join(err, fmt.Errorf("%s is not empty: name a folder that is, or does not exist", to))
	}
	var out []File
	// Files that are written to come first: one that is sealed before its turn is there
	// as the sealed one when the folder is read again. No summary in the copy knows of
	// records that are not.
	for _, state := range []string{Summaries, Hot, Sealed} {
		err := eachFile(ctx, dir, func(f *File) error {
			path, target := filepath.Join(dir, f.Name), filepath.Join(to, f.Name)
			switch {
			case f.State != state:
				return nil
			case state == Sealed:
				return copyFile(path, target)
			default:
				return copyDatabase(ctx, path, target)
			}
		}, func(f File, err error) error {
			if f.State == state && err == nil {
				out = append(out, f)
			}
			return err
		})
		if err != nil {
			return out, fmt.Errorf("back up %s: %w", dir, err)
		}
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out, syncDir(to)
}

// copyDatabase copies what is committed.
func copyDatabase(ctx context.Context, path, target string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?mode=rw&_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", target); err != nil {
		return errors.Join(err, remove(target))
	}
	return syncFile(target)
}

func copyFile(path, target string) (err error) {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	to, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Sync(), to.Close())
}
