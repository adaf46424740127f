package access

import (
	"context"
	"slices"
	"time"

	"github.com/waybill-log/waybill/store/filter"
)

// Holder is who has a token.
type Holder struct {
	Name     string
	Role     Role
	Services []string  // whose records are seen; empty: all
	Expires  time.Time // zero: never
}

// May reports whether a holder may do what a role may.
func (h Holder) May(role Role) bool { return h.Role >= role }

// Filter is what is added to a search; nil where everything is seen.
func (h Holder) Filter() filter.Node {
	if len(h.Services) == 0 {
		return nil
	}
	return filter.In{Field: "service.name", Values: h.Services}
}

// Sees reports whether a holder sees the records of a service.
func (h Holder) Sees(service string) bool {
	return len(h.Services) == 0 || slices.Contains(h.Services, service)
}

type holderKey struct{}

// From is the holder whose request this is; one without a role where nobody let it in.
func From(ctx context.Context) Holder {
	h, _ := ctx.Value(holderKey{}).(Holder)
	return h
}

func with(ctx context.Context, h Holder) context.Context {
	return context.WithValue(ctx, holderKey{}, h)
}
