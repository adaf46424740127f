package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/query/access"
)

// base is where the API is.
const base = "/api/v1"

// roleExtension is the role of an operation in the OpenAPI document.
const roleExtension = "x-waybill-role"

// roles are who may ask what. What is not in it is open to all.
var roles = map[string]access.Role{
	"GET /api/v1/journeys":                                 access.Read,
	"GET /api/v1/journeys/{id}":                            access.Read,
	"GET /api/v1/journeys/{id}/records":                    access.Read,
	"GET /api/v1/journeys/{id}/diff":                       access.Read,
	"GET /api/v1/journeys/{id}/export":                     access.Read,
	"DELETE /api/v1/journeys/{id}":                         access.Admin,
	"GET /api/v1/records":                                  access.Read,
	"GET /api/v1/records/histogram":                        access.Read,
	"GET /api/v1/records/facets":                           access.Read,
	"GET /api/v1/records/context":                          access.Read,
	"GET /api/v1/services":                                 access.Read,
	"GET /api/v1/map":                                      access.Read,
	"GET /api/v1/tail":                                     access.Read,
	"GET /api/v1/usual/{kind}":                             access.Read,
	"GET /api/v1/deadletters":                              access.Admin,
	"GET /api/v1/deadletters/{partition}/{offset}":         access.Admin,
	"POST /api/v1/deadletters/{partition}/{offset}/replay": access.Admin,
	"GET /api/v1/lag":                                      access.Read,
	"GET /api/v1/fields":                                   access.Read,
	"GET /api/v1/instances":                                access.Read,
	"GET /api/v1/stats":                                    access.Read,
	"GET /api/v1/me":                                       access.Read,
	"GET /api/v1/alerts":                                   access.Read,
	"GET /api/v1/alerts/history":                           access.Read,
	"GET /api/v1/alerts/rules":                             access.Read,
	"GET /api/v1/alerts/silences":                          access.Read,
	"GET /api/v1/alerts/deliveries":                        access.Read,
	"POST /api/v1/alerts/silences":                         access.Write,
	"DELETE /api/v1/alerts/silences/{id}":                  access.Write,
	"POST /api/v1/alerts/deliveries/redrive":               access.Admin,
	"POST /api/v1/alerts/receivers/{name}/test":            access.Admin,
}

// Guard lets those through who hold a role, and answers the others; access.Policy does.
type Guard interface {
	Protect(role access.Role, next http.Handler) http.Handler
}

// protect asks the guard about each call of the API, also about what is not there: nobody
// learns that without a role. What became of it is noted where it is about one journey or dead letter.
func (s *server) protect(next echo.HandlerFunc) echo.HandlerFunc {
	audit := access.Audit(s.log)
	noted := func(c echo.Context) error {
		if err := next(c); err != nil {
			c.Error(err)
		}
		route := routeOf(c.Path())
		what, id := "", ""
		switch {
		case strings.HasPrefix(route, base+"/journeys/{id}"):
			what, id = "journey", c.Param("id")
		case strings.HasPrefix(route, base+"/deadletters/{partition}"):
			what, id = "dead letter", c.Param("partition")+"/"+c.Param("offset")
		default:
			return nil
		}
		audit.Note(c.Request().Context(), what, c.Request().Method+" "+route, id, c.Response().Status)
		return nil
	}
	guarded := map[access.Role]echo.HandlerFunc{}
	for role := access.Read; role <= access.Admin; role++ {
		guarded[role] = echo.WrapMiddleware(func(h http.Handler) http.Handler { return s.cfg.Guard.Protect(role, h) })(noted)
	}
	return func(c echo.Context) error {
		path := c.Request().URL.Path
		if path != base && !strings.HasPrefix(path, base+"/") {
			return next(c)
		}
		role, ok := roles[c.Request().Method+" "+routeOf(c.Path())]
		if !ok {
			role = access.Read
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

// Me is who asks.
type Me struct {
	Name     string   `json:"name"`
	Role     string   `json:"role" enum:"read,write,admin"`
	Services []string `json:"services"` // whose records it may see; empty: all
}
