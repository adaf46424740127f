// Package api answers over HTTP what package query knows, and serves the web page.
//
//	h, err := api.New(api.Config{Desk: query.New(query.Config{Store: visible}), Pages: files})
//	http.Serve(listener, h)
//
//	GET /api/v1/journeys/{id}   the journey, or problem+json (RFC 9457)
//	GET /openapi.json           all the others, and who may ask them
//	GET /docs                   the same for people
//	GET /                       the page; /?id={id} opens it at a journey, /search, /tail, /map, /health and /alerts elsewhere
//	GET /healthz /readyz /metrics
//
// Each answer of the API says through when it knows of everything (X-Waybill-As-Of), and has
// an X-Request-ID. [Guard] decides who may ask; roles.go says what.
//
// It is the only package that knows echo and huma, and it answers nothing by itself.
package api
