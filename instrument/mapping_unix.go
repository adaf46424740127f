//go:build unix

package instrument

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// mapFile creates a file with that content and maps it. The bytes are written,
// not only promised, so that a full disk is an error here and not a fault later.
// The file has its name only once it is whole.
func mapFile(name string, content []byte) (data []byte, file *os.File, err error) {
	file, err = os.OpenFile(name+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if _, err = file.Write(content); err == nil {
		data, err = syscall.Mmap(int(file.Fd()), 0, len(content), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	}
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		if data != nil {
			err = errors.Join(err, unmap(data))
		}
		return nil, nil, errors.Join(fmt.Errorf("make %s: %w", name, err), file.Close(), os.Remove(name+".new"))
	}
	for i := 0; i < len(data); i += os.Getpagesize() {
		data[i] = content[i] // takes the page fault now
	}
	return data, file, nil
}

func unmap(data []byte) error { return syscall.Munmap(data) }
