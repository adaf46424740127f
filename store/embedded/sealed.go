package embedded

import (
	"bytes"
	"cmp"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/FastFilter/xorfilter"
	"github.com/RoaringBitmap/roaring/v2"
	"github.com/klauspost/compress/zstd"
)

// sealedVersion is a sealed file's user_version.
const sealedVersion = 1

// sealed is a segment that is complete: a file that never changes.
type sealed struct {
	holders
	path   string
	of     day
	number uint64
	size   int64
	access *access
	db     *sql.DB
	read   *sql.Stmt                    // of a part by its place
	blocks atomic.Pointer[zstd.Decoder] // nil until a block is read

	head  head
	place layout
	pages []string // the first term of each
	may   *xorfilter.BinaryFuse[uint16]
}

// head is what a sealed segment tells of itself, in JSON.
type head struct {
	Replaces []string `json:"replaces"` // files this one was made of
	Records  uint32   `json:"records"`
	Bytes    int64    `json:"bytes"` // of the records
	Oldest   int64    `json:"oldest"`
	Newest   int64    `json:"newest"`
	Keys     int      `json:"keys"` // chunks of correlation keys
}

// Everything a sealed segment holds is a part. Each has a checksum, which its place
// goes into.
const sealedSchema = `
PRAGMA page_size = 32768;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE parts (place INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;`

// Kinds of parts, in the order in which they are written, so that pages of the
// file are filled one after the other.
const (
	historyPart = iota + 1 // bytes that blocks are compressed against
	blockPart              // records
	pagePart               // terms and their records
	firstPart              // first term of each page
	filterPart             // of all terms, and of event.ids without a number
	keyPart                // correlation keys by their latest record
	timePart               // of each record
	placePart              // the layout
	numberPart             // of instances' records
	headPart               // head
)

// partPlace is where a part stands: by its kind, then its number.
func partPlace(kind, n int) int64 { return int64(kind)<<32 | int64(n) }

// openSealed opens a sealed file. The error wraps errCorrupt where it does not hold
// what was written.
func openSealed(path string, a *access) (*sealed, error) {
	s := &sealed{path: path, access: a}
	var ok bool
	if s.of, s.number, ok = parseName(strings.TrimSuffix(filepath.Base(path), sealedSuffix)); !ok {
		return nil, fmt.Errorf("%s is not a name of a sealed file", filepath.Base(path))
	}
	s.last = func() { _ = s.close() }
	s.hold()
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name(), damage(errors.Join(err, s.close())))
	}
	return s, nil
}

func (s *sealed) open() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	s.size = info.Size()
	if s.db, err = sql.Open("sqlite", "file:"+s.path+"?mode=ro&immutable=1&_pragma=cache_size(-128)"); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(4)
	s.access.use(s)
	if version, err := readVersion(s.db, sealedVersion); err != nil || version == 0 {
		return cmp.Or(err, fmt.Errorf("%w: nothing was written to it", errCorrupt))
	}
	if s.read, err = s.db.Prepare("SELECT data FROM parts WHERE place = ?"); err != nil {
		return err
	}
	b, err := s.part(headPart, 0)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &s.head); err != nil {
		return fmt.Errorf("%w: its head: %w", errCorrupt, err)
	}
	_, err = s.numbers()
	return cmp.Or(err, s.readPlace(), s.readPages(), s.readFilter())
}

// cool gives back what a file needs only while it is read.
func (s *sealed) cool() {
	s.db.SetMaxIdleConns(0)
	s.blocks.Store(nil)
}

func (s *sealed) readPlace() error {
	b, err := s.unpacked(placePart, 0)
	if err != nil {
		return err
	}
	s.place = layout{records: s.head.Records, oldest: s.head.Oldest, newest: s.head.Newest}
	if len(b)%12 != 0 {
		return fmt.Errorf("%w: its layout", errCorrupt)
	}
	blocks := len(b) / 12
	s.place.first, s.place.min, s.place.max = make([]uint32, 0, blocks), make([]uint32, 0, blocks), make([]uint32, 0, blocks)
	for len(b) > 0 {
		s.place.first = append(s.place.first, binary.LittleEndian.Uint32(b))
		s.place.min = append(s.place.min, binary.LittleEndian.Uint32(b[4:]))
		s.place.max = append(s.place.max, binary.LittleEndian.Uint32(b[8:]))
		b = b[12:]
	}
	return nil
}

func (s *sealed) readPages() error {
	b, err := s.unpacked(firstPart, 0)
	if err != nil {
		return err
	}
	for len(b) > 0 {
		n, rest, ok := uvarint(b)
		if !ok || n > uint64(len(rest)) {
			return fmt.Errorf("%w: its pages", errCorrupt)
		}
		s.pages = append(s.pages, string(rest[:n]))
		b = rest[n:]
	}
	return nil
}

func (s *sealed) readFilter() error {
	b, err := s.part(filterPart, 0)
	if err != nil {
		return err
	}
	if s.may, err = xorfilter.LoadBinaryFuse[uint16](bytes.NewReader(b)); err != nil {
		return fmt.Errorf("%w: its filter: %w", errCorrupt, err)
	}
	return nil
}

// part reads one part.
func (s *sealed) part(kind, n int) ([]byte, error) {
	s.access.use(s)
	place := partPlace(kind, n)
	var b []byte
	err := s.read.QueryRow(place).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%w: it is missing", errCorrupt)
	}
	if err == nil {
		b, err = unseal(b, uint64(place))
	}
	if err != nil {
		return nil, fmt.Errorf("part %d/%d of %s: %w", kind, n, s.name(), damage(err))
	}
	return b, nil
}

// unpacked reads a part that is compressed.
func (s *sealed) unpacked(kind, n int) ([]byte, error) {
	b, err := s.part(kind, n)
	if err != nil {
		return nil, err
	}
	return s.decode(s.access.plain, b, kind, n)
}

func (s *sealed) decode(with *zstd.Decoder, b []byte, kind, n int) ([]byte, error) {
	b, err := with.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: part %d/%d of %s: %w", errCorrupt, kind, n, s.name(), err)
	}
	return b, nil
}

func (s *sealed) name() string   { return filepath.Base(s.path) }
func (s *sealed) day() day       { return s.of }
func (s *sealed) id() uint64     { return s.number }
func (s *sealed) layout() layout { return s.place }

func (s *sealed) load(n int) ([][]byte, error) {
	b, err := s.part(blockPart, n)
	if err != nil {
		return nil, err
	}
	with, err := s.decoder()
	if err != nil {
		return nil, err
	}
	if b, err = s.decode(with, b, blockPart, n); err != nil {
		return nil, err
	}
	return parseBlock(b)
}

// decoder decompresses blocks.
func (s *sealed) decoder() (*zstd.Decoder, error) {
	if d := s.blocks.Load(); d != nil {
		return d, nil
	}
	history, err := s.part(historyPart, 0)
	if err != nil {
		return nil, err
	}
	options := decoding
	if len(history) > 0 {
		options = append(slices.Clip(options), zstd.WithDecoderDictRaw(historyID, history))
	}
	d, err := zstd.NewReader(nil, options...)
	if err != nil {
		return nil, err
	}
	s.blocks.Store(d)
	return d, nil
}

func (s *sealed) find(term string) (found *roaring.Bitmap, err error) {
	if !s.may.Contains(hashTerm(term)) {
		return nil, nil
	}
	i, there := slices.BinarySearch(s.pages, term)
	if !there {
		i--
	}
	if i < 0 {
		return nil, nil
	}
	page, err := s.unpacked(pagePart, i)
	if err != nil {
		return nil, err
	}
	err = eachTerm(page, func(t []byte, _ uint64, list []byte) (bool, error) {
		if string(t) != term {
			return string(t) < term, nil
		}
		var err error
		found, err = parsePostings(list, s.head.Records)
		return false, err
	})
	return found, err
}

func (s *sealed) each(prefix string, visit func(string, uint64, func() (postings, error)) error) error {
	i, there := slices.BinarySearch(s.pages, prefix)
	if !there {
		i = max(i-1, 0)
	}
	for ; i < len(s.pages) && (s.pages[i] <= prefix || strings.HasPrefix(s.pages[i], prefix)); i++ {
		page, err := s.unpacked(pagePart, i)
		if err != nil {
			return err
		}
		err = eachTerm(page, func(t []byte, count uint64, list []byte) (bool, error) {
			term := string(t)
			if !strings.HasPrefix(term, prefix) {
				return term < prefix, nil
			}
			return true, visit(term, count, func() (postings, error) {
				records, err := parsePostings(list, s.head.Records)
				return postings{many: records}, err
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *sealed) times() ([]uint32, error) {
	b, err := s.unpacked(timePart, 0)
	if err != nil {
		return nil, err
	}
	out := make([]uint32, 0, s.head.Records)
	for last := int64(0); len(b) > 0; {
		delta, n := binary.Varint(b)
		if n <= 0 {
			return nil, fmt.Errorf("%w: times of %s", errCorrupt, s.name())
		}
		last += delta
		out, b = append(out, uint32(last)), b[n:]
	}
	return out, nil
}

func (s *sealed) holdsID(hash uint64) bool { return s.may.Contains(hash) }

// ids reads every record: what is asked for is nowhere else.
func (s *sealed) ids(visit func(uint64)) error {
	var r reader
	for n := range s.place.first {
		raws, err := s.load(n)
		if err != nil {
			return err
		}
		for _, raw := range raws {
			if id := r.read(raw, func([]byte) {}); id.sequence == 0 {
				visit(hashID(id.id))
			}
		}
	}
	return nil
}

func (s *sealed) newest(_ int, visit func(string, int64) bool) error {
	for n := range s.head.Keys {
		b, err := s.unpacked(keyPart, n)
		if err != nil {
			return err
		}
		last := s.head.Newest
		for len(b) > 0 {
			ago, rest, ok := uvarint(b)
			size, rest, ok2 := uvarint(rest)
			if !ok || !ok2 || size > uint64(len(rest)) {
				return fmt.Errorf("%w: correlation keys of %s", errCorrupt, s.name())
			}
			last -= int64(ago)
			if !visit(string(rest[:size]), last) {
				return nil
			}
			b = rest[size:]
		}
	}
	return nil
}

func (s *sealed) numbers() (numbers, error) {
	b, err := s.part(numberPart, 0)
	if err != nil {
		return nil, err
	}
	return parseNumbers(b)
}

func (s *sealed) close() error {
	var errs []error
	s.access.forget(s)
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

const historyID = 1

// remove deletes the file once nobody reads it.
func (s *sealed) remove() {
	s.last = func() {
		_ = s.close()
		_ = remove(s.path) // what stays is replaced or dropped again when the store opens
	}
	s.release()
}
