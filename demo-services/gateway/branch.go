package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/failsafe-go/failsafe-go"
)

// branch is one service's part of the home page.
type branch struct {
	service, path string
	into          any
}

// branches says what the home page reads, and into what.
func (h *home) branches() []branch {
	return []branch{
		{"orders", "/orders", &h.orders},
		{"reviews", "/reviews", &h.reviews},
		{"products", "/products", &h.products},
		{"recommendations", "/recommendations", &h.recommendations},
		{"stock", "/stock", &h.stock},
		{"cart", "/cart", &h.cart},
	}
}

func homeServices() (names []string) {
	for _, b := range new(home).branches() {
		names = append(names, b.service)
	}
	return names
}

// gather asks all services at once. It takes as long as the slowest, and no
// longer than a branch may; those that failed are missing.
func (g *Gateway) gather(ctx context.Context) *home {
	h := new(home)
	branches := h.branches()
	failures := make([]error, len(branches))
	var all sync.WaitGroup
	for i, b := range branches {
		all.Go(func() { failures[i] = g.fill(ctx, b) })
	}
	all.Wait()
	for i, err := range failures {
		if err != nil {
			h.missing = append(h.missing, branches[i].service)
			g.log.WarnContext(ctx, "home page lacks a service", "service", branches[i].service, "error", err)
		}
	}
	return h
}

func (g *Gateway) fill(ctx context.Context, b branch) error {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Limits.Branch)
	defer cancel()
	body, err := g.hedged.WithContext(ctx).GetWithExecution(func(attempt failsafe.Execution[[]byte]) ([]byte, error) {
		return g.get(attempt.Context(), b)
	})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, b.into); err != nil {
		return fmt.Errorf("read %s: %w", b.service, err)
	}
	return nil
}

func (g *Gateway) get(ctx context.Context, b branch) ([]byte, error) {
	a, err := g.call(ctx, http.MethodGet, b.service, b.path, nil)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, &serviceError{service: b.service, status: a.status}
	}
	return a.body, nil
}
