package registry

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// member is an instance with what the registry knows of it. All but heard is
// guarded by Registry.mu.
type member struct {
	Instance
	static   bool         // needs no heartbeat, never expires
	heard    atomic.Int64 // time.Duration on the registry's clock
	silent   bool
	failures int       // checks in a row
	reason   string    // of the last failure
	since    time.Time // when failures began or silence was noticed
}

func (m *member) inRotation() bool { return !m.silent && m.failures < failuresOut }

// service is one name. It stays when its last instance goes, so that "nobody is
// there now" can be told from "never heard of".
type service struct {
	name        string
	description string
	members     []*member // by ID; guarded by Registry.mu
	rotation    atomic.Pointer[rotation]
}

// rotation is a service's instances that are fit to be called. It is replaced,
// never changed: readers take no lock.
type rotation struct {
	instances []Instance
	body      func() []byte // the answer to a look-up, encoded once
}

// publish makes a new rotation of the members. Needs Registry.mu.
func (s *service) publish() {
	instances := make([]Instance, 0, len(s.members))
	for _, m := range s.members {
		if m.inRotation() {
			instances = append(instances, m.Instance)
		}
	}
	s.rotation.Store(&rotation{instances, sync.OnceValue(func() []byte {
		b, err := json.Marshal(map[string]any{"name": s.name, "instances": instances})
		if err != nil {
			return nil // strings are always encoded
		}
		return b
	})})
}

func (s *service) insert(m *member) {
	i, _ := s.find(m.ID)
	s.members = slices.Insert(s.members, i, m)
}

func (s *service) remove(m *member) {
	if i, ok := s.find(m.ID); ok {
		s.members = slices.Delete(s.members, i, i+1)
	}
}

func (s *service) find(id string) (int, bool) {
	return slices.BinarySearchFunc(s.members, id, func(m *member, id string) int { return cmp.Compare(m.ID, id) })
}

// Lookup returns who serves under a name now, and whether the name was ever
// registered. The slice is not the caller's to change.
func (r *Registry) Lookup(name string) (instances []Instance, known bool) {
	s, ok := r.service(name)
	if !ok {
		return nil, false
	}
	return s.rotation.Load().instances, true
}

func (r *Registry) service(name string) (*service, bool) {
	v, ok := r.services.Load(name)
	if !ok {
		return nil, false
	}
	return v.(*service), true
}

// named returns the service of a name, new where there is none. Needs r.mu.
func (r *Registry) named(name string) *service {
	if s, ok := r.service(name); ok {
		return s
	}
	if r.names >= r.cfg.Limits.Instances {
		r.forgetNames()
	}
	s := &service{name: name}
	s.publish()
	r.services.Store(name, s)
	r.names++
	return s
}

// forgetNames makes room: a name that nobody has now is worth less than a new one.
func (r *Registry) forgetNames() {
	r.services.Range(func(name, v any) bool {
		if len(v.(*service).members) == 0 {
			r.services.Delete(name)
			r.names--
		}
		return true
	})
}
