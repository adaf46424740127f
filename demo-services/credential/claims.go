package credential

import (
	"context"
	"slices"
)

// Claims say who asks.
type Claims struct {
	Subject string   // the user; "" is somebody who has not logged in
	Roles   []string // such as staff
}

// Has reports whether who asks has a role.
func (c Claims) Has(role string) bool { return slices.Contains(c.Roles, role) }

type contextKey struct{}

// With returns a context that says who asks.
func With(ctx context.Context, c Claims) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// From returns who asks; false where nobody has verified that.
func From(ctx context.Context) (Claims, bool) {
	c, ok := ctx.Value(contextKey{}).(Claims)
	return c, ok
}
