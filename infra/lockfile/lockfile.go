// Package lockfile keeps a data folder to one process.
//
//	unlock, err := lockfile.Acquire("waybill-data/broker")
//
// The lock is the operating system's and goes with the process, so a folder is
// never left locked by a crash.
package lockfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Acquire creates dir where needed and locks it. The returned function unlocks.
// An error says which folder, why, and who holds it where that is known.
func Acquire(dir string) (unlock func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder %s cannot be created: %w; choose another with --data", dir, err)
	}
	name := filepath.Join(dir, "LOCK")
	lock := flock.New(name, flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("data folder %s cannot be used: %w; choose another with --data", dir, err)
	}
	if !ok {
		holder := "another process"
		if b, err := os.ReadFile(name); err == nil && len(b) > 0 {
			holder = "process " + strings.TrimSpace(string(b))
		}
		return nil, fmt.Errorf("data folder %s is in use by %s; stop it or choose another folder with --data", dir, holder)
	}
	if err := os.WriteFile(name, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600); err != nil {
		return nil, fmt.Errorf("data folder %s cannot be written: %w; choose another with --data", dir, err)
	}
	return lock.Unlock, nil
}
