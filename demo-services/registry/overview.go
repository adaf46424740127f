package registry

import (
	"cmp"
	"slices"
	"time"
)

// The states of an instance.
const (
	StateUp      = "up"
	StateFailing = "failing" // its checks fail; out of rotation from the second on
	StateSilent  = "silent"  // its heartbeats are missing; out of rotation
)

// Overview is everything about one service, for people.
type Overview struct {
	Name        string  `json:"name"`
	Description string  `json:"description,omitempty"`
	Instances   []State `json:"instances"`
}

// State is an instance with how it is.
type State struct {
	Instance
	Static     bool       `json:"static"` // from the list, sends no heartbeats
	State      string     `json:"state"`
	InRotation bool       `json:"in_rotation"`
	Since      *time.Time `json:"since,omitempty"` // of a state that is not up
	Reason     string     `json:"reason,omitempty"`
}

// Overview lists all services and their instances by name and ID.
func (r *Registry) Overview() []Overview {
	all := []Overview{}
	r.mu.RLock()
	defer r.mu.RUnlock()
	r.services.Range(func(_, v any) bool {
		s := v.(*service)
		o := Overview{Name: s.name, Description: s.description, Instances: make([]State, 0, len(s.members))}
		for _, m := range s.members {
			o.Instances = append(o.Instances, m.state())
		}
		all = append(all, o)
		return true
	})
	slices.SortFunc(all, func(a, b Overview) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func (m *member) state() State {
	s := State{Instance: m.Instance, Static: m.static, State: StateUp, InRotation: m.inRotation()}
	switch {
	case m.silent:
		s.State, s.Reason = StateSilent, "no heartbeats"
	case m.failures > 0:
		s.State, s.Reason = StateFailing, m.reason
	default:
		return s
	}
	since := m.since
	s.Since = &since
	return s
}
