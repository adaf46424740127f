package embedded

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/waybill-log/waybill/store"
)

// erasuresFile holds all erasures, and is written anew each time.
const erasuresFile = "erasures.json"

// Erase implements store.Eraser.
func (s *Store) Erase(_ context.Context, erasures []store.Erasure) error {
	return s.changeErasures(func(all []store.Erasure) []store.Erasure {
		for _, e := range erasures {
			if !slices.ContainsFunc(all, func(o store.Erasure) bool { return o.Key == e.Key }) {
				all = append(all, e)
			}
		}
		return all
	})
}

// Restore implements store.Eraser.
func (s *Store) Restore(_ context.Context, keys []string) error {
	return s.changeErasures(func(all []store.Erasure) []store.Erasure {
		return slices.DeleteFunc(all, func(e store.Erasure) bool { return slices.Contains(keys, e.Key) })
	})
}

func (s *Store) changeErasures(change func([]store.Erasure) []store.Erasure) error {
	s.erasures.Lock()
	defer s.erasures.Unlock()
	all, err := s.readErasures()
	if err != nil {
		return err
	}
	all = change(all)
	if len(all) > store.MaxErasures {
		return fmt.Errorf("%w: more than %d journeys are erased and still stored; wait until the oldest have gone", store.ErrQuery, store.MaxErasures)
	}
	slices.SortFunc(all, func(a, b store.Erasure) int { return cmp.Compare(a.Key, b.Key) })
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	path := filepath.Join(s.cfg.Dir, erasuresFile)
	err = errors.Join(os.WriteFile(path+partSuffix, b, 0o600), syncFile(path+partSuffix))
	if err == nil {
		err = errors.Join(os.Rename(path+partSuffix, path), syncDir(s.cfg.Dir))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

// Erasures implements store.Eraser.
func (s *Store) Erasures(context.Context) ([]store.Erasure, error) {
	s.erasures.Lock()
	defer s.erasures.Unlock()
	return s.readErasures()
}

func (s *Store) readErasures() (all []store.Erasure, err error) {
	b, err := os.ReadFile(filepath.Join(s.cfg.Dir, erasuresFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s says which journeys were erased, and cannot be read: %w", store.ErrUnavailable, erasuresFile, err)
	}
	return all, nil
}

var _ store.Eraser = (*Store)(nil)
