package ship

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/gzip"
)

// content is what a file holds, decompressed.
type content struct {
	file *os.File
	info os.FileInfo
	zip  *gzip.Reader // nil: the file is as it is
	read int64        // bytes of the file, compressed ones where they are

	still func() bool // whether what was read before is still there; nil: nobody truncates it
	over  bool        // it is not, and nothing more is read
}

// errTruncated means that a file no longer has what was read of it.
var errTruncated = errors.New("was truncated")

// openContent opens a file at its beginning.
func openContent(path string) (*content, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	c := &content{file: f}
	if err := c.begin(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return c, nil
}

func (c *content) begin(path string) (err error) {
	if c.info, err = c.file.Stat(); err != nil {
		return err
	}
	if c.info.IsDir() {
		return fmt.Errorf("%s is a directory: give its files, for instance '%s/*.log'", path, path)
	}
	if !c.info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file: pipe it in, with - as the file", path)
	}
	var magic [2]byte
	n, err := c.file.ReadAt(magic[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if n == 2 && magic == [2]byte{0x1f, 0x8b} {
		c.zip, err = gzip.NewReader(counted{c})
		return err
	}
	return nil
}

// counted reads the file, and counts.
type counted struct{ c *content }

func (r counted) Read(b []byte) (int, error) {
	n, err := r.c.file.Read(b)
	r.c.read += int64(n)
	return n, err
}

func (c *content) Read(b []byte) (int, error) {
	switch {
	case c.zip != nil:
		return c.zip.Read(b)
	case c.over:
		return 0, io.EOF
	}
	n, err := counted{c}.Read(b)
	if n > 0 && c.still != nil && !c.still() { // then nobody knows what these bytes are
		return 0, errTruncated
	}
	return n, err
}

// head reads the first bytes, and begins anew.
func (c *content) head() ([]byte, error) {
	head := make([]byte, headBytes)
	n, err := io.ReadFull(c, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return head[:n], c.seek(0)
}

// seek goes to an offset of what the file holds.
func (c *content) seek(offset int64) error {
	if c.zip == nil {
		_, err := c.file.Seek(offset, io.SeekStart)
		c.read = offset
		return err
	}
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	c.read = 0
	if err := c.zip.Reset(counted{c}); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, c.zip, offset)
	return err
}

// holds reports whether the line before a mark is where it was.
func (c *content) holds(m mark, newline []byte) bool {
	if m.Offset == 0 {
		return true
	}
	if c.zip == nil {
		if info, err := c.file.Stat(); err != nil || info.Size() < m.Offset {
			return false
		}
	}
	if c.seek(m.LineAt) != nil {
		return false
	}
	b := make([]byte, min(checkBytes, m.Offset-m.LineAt))
	if _, err := io.ReadFull(c, b); err != nil {
		return false
	}
	return checkOf(b, newline) == m.Check
}

// checkOf is what tells one line from another by its first bytes.
func checkOf(line, newline []byte) uint32 {
	line = line[:min(len(line), checkBytes)]
	if at := bytes.Index(line, newline); at >= 0 {
		line = line[:at]
	}
	return uint32(xxhash.Sum64(line))
}

func (c *content) close() error { return c.file.Close() }

// headOf reads the first bytes of what a file holds.
func headOf(path string) ([]byte, error) {
	c, err := openContent(path)
	if err != nil {
		return nil, err
	}
	head, err := c.head()
	return head, errors.Join(err, c.close())
}
