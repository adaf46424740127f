package api

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/record"
)

// described begins the OpenAPI document; operations add themselves.
func described() huma.Config {
	schemas := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	schemas.RegisterTypeAlias(reflect.TypeFor[record.Record](), reflect.TypeFor[recordSchema]())
	schemas.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[problem]())
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Waybill", Version: "1",
				Description: "Follow one request across many services. Each answer says through when it knows of everything that was shipped (as_of, and the header X-Waybill-As-Of); null where that is not known. Errors are problem+json.",
			},
			Components: &huma.Components{Schemas: schemas, SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}},
			Security:   []map[string][]string{{}, {"token": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{problems},
	}
}

// recordSchema is how records are described: as they were written.
type recordSchema struct{}

// Schema implements huma.SchemaProvider.
func (recordSchema) Schema(huma.Registry) *huma.Schema {
	text := func(description string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: description}
	}
	return &huma.Schema{
		Type: huma.TypeObject, Description: "A record as its service wrote it: flat ECS names", AdditionalProperties: true,
		Properties: map[string]*huma.Schema{
			"@timestamp": text("RFC 3339, by the service's own clock"), "event.id": text("Its identity"), "message": text(""), "log.level": text(""),
			"service.name": text(""), "correlation.id": text("Of its journey"),
		},
	}
}

// describe serves the document, and a page of it for people.
func (s *server) describe(e *echo.Echo) error {
	document, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := docs.Execute(&page, listOperations(s.api.OpenAPI())); err != nil {
		return err
	}
	serve := func(path, contentType string, body []byte) {
		e.GET(path, func(c echo.Context) error { return c.Blob(http.StatusOK, contentType, body) })
	}
	serve("/openapi.json", "application/json", document)
	serve("/docs", "text/html; charset=utf-8", page.Bytes())
	serve("/docs/style.css", "text/css; charset=utf-8", []byte(docsStyle))
	return nil
}

// operation is one of the page.
type operation struct {
	Method, Path, Summary, Description string
	Role                               any
	Parameters                         []*huma.Param
}

func listOperations(document *huma.OpenAPI) (out []operation) {
	for path, item := range document.Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodDelete: item.Delete} {
			if op != nil {
				out = append(out, operation{method, path, op.Summary, op.Description, op.Extensions[roleExtension], op.Parameters})
			}
		}
	}
	slices.SortFunc(out, func(a, b operation) int { return strings.Compare(a.Path+" "+b.Method, b.Path+" "+a.Method) })
	return out
}

// docs has neither scripts nor styles of its own, as the policy wants it.
var docs = template.Must(template.New("docs").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Waybill: API</title><link rel="stylesheet" href="/docs/style.css"></head><body>
<h1>Waybill: API</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a>. Answers are JSON, errors problem+json. Where the server wants a token, send it as <code>Authorization: Bearer …</code>.</p>
{{range .}}<section><h2><code>{{.Method}} {{.Path}}</code></h2>
<p>{{.Summary}}. Role: {{.Role}}.</p>{{with .Description}}<p>{{.}}</p>{{end}}
{{if .Parameters}}<table><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr>
{{range .Parameters}}<tr><td><code>{{.Name}}</code>{{if .Required}} *{{end}}</td><td>{{.In}}</td><td>{{or .Description .Schema.Description}}{{with .Schema.Default}} Default: {{.}}.{{end}}{{with .Schema.Enum}} One of {{range .}}<code>{{.}}</code> {{end}}{{end}}</td></tr>
{{end}}</table>{{end}}</section>
{{end}}</body></html>
`))

const docsStyle = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
section{border-top:1px solid #ccc}h2{font-size:1.1rem}table{border-collapse:collapse}td,th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}a{color:#8bf}}
`
