//go:build !unix

package instrument

import (
	"errors"
	"os"
)

func mapFile(string, []byte) ([]byte, *os.File, error) { return nil, nil, errors.ErrUnsupported }

func unmap([]byte) error { return nil }
