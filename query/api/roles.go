package api

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// Role is what somebody may do; each may all that those before it may.
type Role string

// Roles.
const (
	RoleRead  Role = "read"
	RoleWrite Role = "write"
	RoleAdmin Role = "admin"
)

// base is where the API is.
const base = "/api/v1"

// roleExtension is the role of an operation in the OpenAPI document.
const roleExtension = "x-waybill-role"

// roles are who may ask what. What is not in it is open to all.
var roles = map[string]Role{
	"GET /api/v1/journeys":             RoleRead,
	"GET /api/v1/journeys/{id}":        RoleRead,
	"GET /api/v1/journeys/{id}/diff":   RoleRead,
	"GET /api/v1/journeys/{id}/export": RoleRead,
	"DELETE /api/v1/journeys/{id}":     RoleAdmin,
	"GET /api/v1/records":              RoleRead,
	"GET /api/v1/records/histogram":    RoleRead,
	"GET /api/v1/records/facets":       RoleRead,
	"GET /api/v1/records/context":      RoleRead,
	"GET /api/v1/services":             RoleRead,
	"GET /api/v1/map":                  RoleRead,
	"GET /api/v1/tail":                 RoleRead,
	"GET /api/v1/usual/{kind}":         RoleRead,
	"GET /api/v1/deadletters":          RoleAdmin,
	"GET /api/v1/instances":            RoleRead,
	"GET /api/v1/stats":                RoleRead,
	"GET /api/v1/me":                   RoleRead,
}

// Guard lets those through who hold a role, and answers the others.
type Guard interface {
	Protect(role Role, next http.Handler) http.Handler
}

// protect asks the guard about each call of the API, also about what is not there: nobody
// learns that without a role.
func (s *server) protect(next echo.HandlerFunc) echo.HandlerFunc {
	guarded := map[Role]echo.HandlerFunc{}
	for _, role := range []Role{RoleRead, RoleWrite, RoleAdmin} {
		guarded[role] = echo.WrapMiddleware(func(h http.Handler) http.Handler { return s.cfg.Guard.Protect(role, h) })(next)
	}
	return func(c echo.Context) error {
		path := c.Request().URL.Path
		if path != base && !strings.HasPrefix(path, base+"/") {
			return next(c)
		}
		role, ok := roles[c.Request().Method+" "+routeOf(c.Path())]
		if !ok {
			role = RoleRead
		}
		return guarded[role](c)
	}
}

// routeOf is echo's path of a route as OpenAPI has it.
func routeOf(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// bearer is the guard of one token (RFC 6750), whose holder may do everything; an empty one is not asked for.
type bearer string

// Protect implements Guard.
func (b bearer) Protect(_ Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if b == "" || strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(strings.TrimSpace(token)), []byte(b)) == 1 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="waybill"`)
		WriteProblem(w, http.StatusUnauthorized, "this server wants a token: send it as Authorization: Bearer …")
	})
}

// Me is who asks.
type Me struct {
	Name     string   `json:"name"`
	Role     Role     `json:"role" enum:"read,write,admin"`
	Services []string `json:"services"` // whose records it may see; empty: all
}
