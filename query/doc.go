// Package query answers over HTTP: a journey by its correlation ID, and the web
// page that shows it.
//
//	h, err := query.New(query.Config{Reader: st, Evidence: gatherer, Pages: files})
//	http.Serve(listener, h)
//
//	GET /api/v1/journeys/{id}   the journey, or problem+json (RFC 9457)
//	GET /                       the page; /?id={id} opens it at a journey
//	GET /healthz /readyz /metrics
//
// It only reads. Verdicts are made by package journey from what the store and
// the horizon give.
package query
