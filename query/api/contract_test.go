package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/waybill-log/waybill/query/access"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// Who may ask what: this table and the OpenAPI document say the same.
var matrix = map[string]access.Role{
	"GET /api/v1/journeys": access.Read, "GET /api/v1/journeys/{id}": access.Read, "GET /api/v1/journeys/{id}/diff": access.Read, "GET /api/v1/journeys/{id}/records": access.Read,
	"GET /api/v1/journeys/{id}/export": access.Read, "DELETE /api/v1/journeys/{id}": access.Admin,
	"GET /api/v1/records": access.Read, "GET /api/v1/records/histogram": access.Read, "GET /api/v1/records/facets": access.Read, "GET /api/v1/records/context": access.Read,
	"GET /api/v1/services": access.Read, "GET /api/v1/map": access.Read, "GET /api/v1/tail": access.Read, "GET /api/v1/usual/{kind}": access.Read,
	"GET /api/v1/deadletters/{partition}/{offset}": access.Admin, "POST /api/v1/deadletters/{partition}/{offset}/replay": access.Admin, "GET /api/v1/lag": access.Read, "GET /api/v1/fields": access.Read,
	"GET /api/v1/deadletters": access.Admin, "GET /api/v1/instances": access.Read, "GET /api/v1/stats": access.Read, "GET /api/v1/me": access.Read,
	"GET /api/v1/alerts": access.Read, "GET /api/v1/alerts/history": access.Read, "GET /api/v1/alerts/rules": access.Read, "GET /api/v1/alerts/silences": access.Read,
	"GET /api/v1/alerts/deliveries": access.Read, "POST /api/v1/alerts/silences": access.Write, "DELETE /api/v1/alerts/silences/{id}": access.Write,
	"POST /api/v1/alerts/deliveries/redrive": access.Admin, "POST /api/v1/alerts/receivers/{name}/test": access.Admin,
}

// asking is a guard that lets nobody through, and tells which role would be.
type asking struct{ role *atomic.Value }

func (a asking) Protect(role access.Role, _ http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.role.Store(role)
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"type":"about:blank","title":"Forbidden","status":403,"detail":"not you"}`)
	})
}

func TestEveryOperationHasTheRoleThatIsDemanded(t *testing.T) {
	var demanded atomic.Value
	h := serve(t, setup{Store: recordsIn(t), Guard: asking{&demanded}, Erase: store.NewVisible(recordsIn(t), recordsIn(t)).Erase})
	var document struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			Role string `json:"x-waybill-role"`
		} `json:"paths"`
	}
	w := get(h, "/openapi.json")
	if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil || document.OpenAPI != "3.1.0" {
		t.Fatal(err, document.OpenAPI)
	}
	described := map[string]access.Role{}
	for path, item := range document.Paths {
		for method, op := range item {
			route := strings.ToUpper(method) + " " + path
			role, err := access.ParseRole(op.Role)
			if err != nil {
				t.Errorf("%s: %v", route, err)
			}
			described[route] = role
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(strings.ToUpper(method), strings.NewReplacer("{id}", "x", "{kind}", "x", "{name}", "x", "{partition}", "1", "{offset}", "1").Replace(path), nil))
			if w.Code != http.StatusForbidden || demanded.Load() != role {
				t.Errorf("%s: %d, and role %v is demanded, not %v", route, w.Code, demanded.Load(), op.Role)
			}
		}
	}
	if !maps.Equal(described, matrix) {
		t.Errorf("described are %v\nwant %v", described, matrix)
	}
	wantProblem(t, get(h, "/api/v1/nothing"), 403, "not you")
}

func TestEveryErrorIsAProblem(t *testing.T) {
	h := serve(t, setup{Store: recordsIn(t, golden(t, "interleaved")...), Pages: fstest.MapFS{"index.html": {Data: []byte("page")}}})
	send := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w
	}
	wantProblem(t, get(h, "/api/v1/nothing"), 404, "Not Found")
	wantProblem(t, get(h, "/nothing.html"), 404, "Not Found")
	wantProblem(t, send("POST", "/api/v1/journeys", "{}"), 405, "Not Allowed")
	wantProblem(t, send("PUT", "/api/v1/records", strings.Repeat("x", 100<<10)), 413, "Too Large")
	wantProblem(t, get(h, "/api/v1/tail"), 404, "no tail")
	wantProblem(t, get(h, "/api/v1/deadletters"), 404, "does not read")
	wantProblem(t, get(h, "/api/v1/deadletters/0/1"), 404, "does not read")
	wantProblem(t, send("POST", "/api/v1/deadletters/0/1/replay", ""), 404, "does not replay")
	wantProblem(t, get(h, "/api/v1/lag"), 404, "does not follow")
	wantProblem(t, get(h, "/api/v1/instances"), 404, "does not follow")
	wantProblem(t, get(h, "/api/v1/usual/nothing"), 404, "no journey of kind")
}

func TestWhatCannotBeReadIsSaidWithItsPlace(t *testing.T) {
	h := serve(t, setup{Store: recordsIn(t, golden(t, "interleaved")...), Tail: func(http.ResponseWriter, *http.Request, filter.Search) error { return errors.New("not asked") }})
	long := strings.Repeat("a OR ", 1600) + "a"
	for _, c := range []struct {
		path, field string
		column      int
		detail      string
	}{
		{"/records?q=" + url.QueryEscape("level:error colour:red"), "q", 13, "no field"},
		{"/records?q=" + url.QueryEscape("余额 \"🧾x\" colour:red"), "q", 9, "visited"},
		{"/journeys?q=" + url.QueryEscape(`kind:"餘額" verdict:lost`), "q", 19, "verdicts are stalled"},
		{"/journeys?q=" + url.QueryEscape("verdict:lost"), "q", 9, "verdicts are"},
		{"/records/histogram?q=" + url.QueryEscape(strings.Repeat("(", 5000)), "q", 65, ""},
		{"/records/facets?field=message", "field", 0, "cannot be counted; those of service.name, log.level"},
		{"/services?q=" + url.QueryEscape(long), "q", -1, ""},
		{"/map?q=" + url.QueryEscape("a)"), "q", 2, ""},
		{"/records?q=" + strings.Repeat("a", 9000), "q", 0, "length"},
		{"/records?limit=1000000", "limit", 0, "1000"},
		{"/records?limit=-1", "limit", 0, ""},
		{"/records?limit=many", "limit", 0, "integer"},
		{"/records?order=sideways", "order", 0, ""},
		{"/records?cursor=nonsense", "cursor", 0, "not a cursor"},
		{"/journeys?cursor=nonsense", "cursor", 0, "not a cursor"},
		{"/records?colour=red", "colour", 0, "unknown"},
		{"/records/histogram?step=fast", "step", 0, "duration"},
		{"/records/histogram?step=1ms&q=since:30d", "", 0, "more than"},
		{"/records/histogram?q=" + url.QueryEscape(`message~"x"`), "", 0, "not counted"},
		{"/records/context", "id", 0, "required"},
		{"/records/context?id=otlp-x&within=instance", "at", 0, "@timestamp"},
		{"/records/context?id=a-1&within=street", "within", 0, ""},
		{"/records/context?id=a-1&at=yesterday", "at", 0, ""},
		{"/journeys/x?records=1", "records", 0, ""},
		{"/journeys/x?records=1,0", "records", 0, "offset,limit"},
		{"/journeys/x?records=0,10&view=head", "records", 0, "leave out"},
		{"/journeys/x/records?limit=0", "limit", 0, ""},
		{"/journeys/" + first + "/records?q=" + url.QueryEscape("level:error colour:red"), "q", 13, "no field"},
		{"/journeys/" + first + "/records?q=" + url.QueryEscape("since:1h"), "q", 0, "which time"},
		{"/deadletters/x/1", "partition", 0, "integer"},
		{"/deadletters/3000000000/1", "partition", 0, ""},
		{"/deadletters/0/-1", "offset", 0, ""},
		{"/lag?limit=0", "limit", 0, ""},
		{"/journeys/x/export?format=pdf", "format", 0, ""},
		{"/journeys/" + strings.Repeat("x", 3000), "id", 0, ""},
		{"/tail?q=verdict:stalled", "q", 0, "list journeys"},
		{"/tail?q=(", "q", 1, ""},
	} {
		var p struct {
			Field  string
			Column int
		}
		w := get(h, "/api/v1"+c.path)
		wantProblem(t, w, http.StatusBadRequest, c.detail)
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Field != c.field || c.column >= 0 && p.Column != c.column || c.column < 0 && p.Column < 1 {
			t.Errorf("%.100s: field %q, column %d; want %q, %d: %s", c.path, p.Field, p.Column, c.field, c.column, w.Body)
		}
	}
}

func TestTheRequestsIDIsTheCallersWhereItIsOne(t *testing.T) {
	h := serve(t, setup{Store: recordsIn(t)})
	seen := map[string]bool{}
	for given, kept := range map[string]bool{"my-request_1.2": true, "": false, "a b": false, strings.Repeat("x", 65): false, "<script>": false} {
		id := get(h, "/api/v1/me", "X-Request-ID", given).Header().Get("X-Request-ID")
		if kept != (id == given) || id == "" || seen[id] {
			t.Errorf("%q became %q", given, id)
		}
		seen[id] = true
	}
}

// switched is a store that can be taken away.
type switched struct {
	store.Store
	gone *atomic.Bool
}

func (s switched) ByKey(ctx context.Context, key string, limit int) ([]store.Entry, bool, error) {
	if s.gone.Load() {
		return nil, false, fmt.Errorf("%w: on holiday", store.ErrUnavailable)
	}
	return s.Store.ByKey(ctx, key, limit)
}

func TestAStoreThatIsAwaySaysWhatStillWorksAndComesBack(t *testing.T) {
	var gone atomic.Bool
	h := serve(t, setup{Store: switched{recordsIn(t, golden(t, "interleaved")...), &gone}, Tail: func(w http.ResponseWriter, _ *http.Request, s filter.Search) error {
		_, err := fmt.Fprintf(w, "event: record\n\n")
		return err
	}})
	gone.Store(true)
	w := get(h, journeys+first)
	wantProblem(t, w, 503, "The tail works")
	if w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "/api/v1/tail") {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
	if w := get(h, "/api/v1/tail?q=service:bank"); w.Code != 200 || !strings.Contains(w.Body.String(), "event: record") {
		t.Errorf("tail: %d %s", w.Code, w.Body)
	}
	gone.Store(false)
	if w := get(h, journeys+first); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTheDocsNeedNoScript(t *testing.T) {
	h := serve(t, setup{Store: recordsIn(t)})
	w := get(h, "/docs")
	if w.Code != 200 || strings.Contains(w.Body.String(), "<script") || strings.Contains(w.Body.String(), "style=") || strings.Contains(w.Body.String(), "://") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for route := range matrix {
		if !strings.Contains(w.Body.String(), "<code>"+route+"</code>") {
			t.Errorf("the docs lack %s", route)
		}
	}
	if w := get(h, "/docs/style.css"); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestNobodySeesMoreThanTheServicesTheyMay(t *testing.T) {
	h := serve(t, setup{Store: filled(t), Only: func(context.Context) filter.Node { return filter.In{Field: "service.name", Values: []string{"bank"}} }})
	for _, path := range []string{journeys + first, journeys + first + "?raw=true", journeys + first + "/records", journeys + first + "/export?format=html", "/api/v1/records?limit=1000", "/api/v1/services", "/api/v1/records/facets?field=service.name"} {
		w := get(h, path)
		if w.Code != 200 || !strings.Contains(w.Body.String(), "bank") || strings.Contains(w.Body.String(), `"service.name":"gateway"`) || strings.Contains(w.Body.String(), `"value":"gateway"`) || strings.Contains(w.Body.String(), `"name":"gateway"`) {
			t.Errorf("%s: %d %.600s", path, w.Code, w.Body)
		}
	}
	if w := get(h, "/api/v1/journeys"); strings.Contains(w.Body.String(), "POST /checkout") || !strings.Contains(w.Body.String(), first) {
		t.Errorf("%s", w.Body)
	}
	wantProblem(t, get(h, journeys+"019ab12c3d4effffffffffffffffffff"), 404, "no records of")
}
