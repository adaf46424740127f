//go:build unix

package instrument

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// mapFile creates a file of size bytes and maps it. The bytes are written, not
// only promised, so that a full disk is an error here and not a fault later.
func mapFile(name string, size int) (data []byte, file *os.File, err error) {
	file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, err
	}
	if _, err = file.Write(make([]byte, size)); err == nil {
		data, err = syscall.Mmap(int(file.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("map %s: %w", name, err), file.Close(), os.Remove(name))
	}
	for i := 0; i < len(data); i += 4096 {
		data[i] = 0 // takes the page fault now
	}
	return data, file, nil
}

func unmap(data []byte) error { return syscall.Munmap(data) }
