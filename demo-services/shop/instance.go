package shop

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// maxInstances bounds how many of one service share a data folder.
const maxInstances = 100

// instance is which one of a service's instances in the data folder this is: the first that no
// process is now, so that who comes back after a crash is who it was.
func (s *Shop) instance(name string) (string, error) {
	for n := range maxInstances {
		id := fmt.Sprintf("%s-%d", name, n)
		lock := flock.New(filepath.Join(s.cfg.Data, id+".lock"), flock.SetPermissions(0o600))
		free, err := lock.TryLock()
		if err != nil {
			return "", fmt.Errorf("%s: data folder %s cannot be used: %w", name, s.cfg.Data, err)
		}
		if free {
			s.stops = append(s.stops, stop{name + " lock", func(context.Context) error { return lock.Unlock() }})
			return id, nil
		}
	}
	return "", fmt.Errorf("%s: %d instances of it use data folder %s", name, maxInstances, s.cfg.Data)
}
