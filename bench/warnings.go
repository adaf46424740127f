package main

import "sync"

// warnings are those of a registry.
type warnings struct {
	mu  sync.Mutex
	out map[string]string // why, by instance
}

func (w *warnings) read(k *keeper) {
	for {
		var said struct{ Msg, Instance, Reason string }
		if err := k.hear(&said); err != nil {
			return
		}
		w.mu.Lock()
		if said.Instance != "" && w.out[said.Instance] == "" {
			w.out[said.Instance] = said.Msg + ": " + said.Reason
		}
		w.mu.Unlock()
	}
}

// but are the warnings of instances that are not among some.
func (w *warnings) but(some []string) (others []string) {
	known := map[string]bool{}
	for _, id := range some {
		known[id] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, why := range w.out {
		if !known[id] {
			others = append(others, why)
		}
	}
	return others
}
