package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/waybill-log/waybill/demo-services/atomicfile"
	"github.com/waybill-log/waybill/demo-services/discovery"
)

// format is the version of the file.
const format = 1

// state is what outlives a restart. Heartbeats do not: they are over by then.
type state struct {
	Format    int                `json:"format"`
	Names     []string           `json:"names"`
	Instances []Instance         `json:"instances"`
	Settings  discovery.Settings `json:"settings"`
}

// load takes over the file. Instances that the rules or limits of today refuse
// are left out and said so; they may register again.
func (r *Registry) load() error {
	if r.cfg.File == "" {
		return nil
	}
	b, err := os.ReadFile(r.cfg.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var st state
	if err == nil {
		err = json.Unmarshal(b, &st)
	}
	if err == nil && st.Format != format {
		err = fmt.Errorf("its format is %d, not %d", st.Format, format)
	}
	if err != nil {
		return fmt.Errorf("read registrations %s: %w; move the file away to start without any", r.cfg.File, err)
	}
	r.restore(st)
	return nil
}

func (r *Registry) restore(st state) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if st.Settings.Values == nil {
		st.Settings.Values = map[string]string{}
	}
	r.settings.set(st.Settings)
	for _, name := range st.Names {
		if discovery.ValidName(name) && r.names < r.cfg.Limits.Instances {
			r.named(name)
		}
	}
	for _, in := range st.Instances {
		if err := errors.Join(r.valid(in), r.room(in.Service)); err != nil || in.ID == "" || r.members[in.ID] != nil {
			r.log.Warn("instance of the last run left out", "service", in.Service, "instance", in.ID, "error", err)
			continue
		}
		r.add(&member{Instance: in})
	}
}

// keep writes the file when there is something new.
func (r *Registry) keep(ctx context.Context) {
	if !r.dirty.Load() {
		return
	}
	if err := r.save(); err != nil {
		r.log.ErrorContext(ctx, "registrations not saved, they are tried again", "error", err)
	}
}

// save writes the file as things are now.
func (r *Registry) save() error {
	r.saving.Lock()
	defer r.saving.Unlock()
	return r.write(r.settings.now())
}

// write needs r.saving. A change that comes while it writes is for the next time.
func (r *Registry) write(set discovery.Settings) error {
	if r.cfg.File == "" {
		return nil
	}
	r.dirty.Store(false)
	b, err := json.Marshal(r.state(set))
	if err == nil {
		err = atomicfile.Write(r.cfg.File, b)
	}
	if err != nil {
		r.dirty.Store(true)
		return fmt.Errorf("write registrations: %w", err)
	}
	return nil
}

func (r *Registry) state(set discovery.Settings) state {
	st := state{Format: format, Settings: set}
	r.services.Range(func(name, _ any) bool {
		st.Names = append(st.Names, name.(string))
		return true
	})
	r.mu.RLock()
	for _, id := range slices.Sorted(maps.Keys(r.members)) {
		if m := r.members[id]; !m.static {
			st.Instances = append(st.Instances, m.Instance)
		}
	}
	r.mu.RUnlock()
	slices.Sort(st.Names)
	return st
}
