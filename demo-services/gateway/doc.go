// Package gateway is the one address that strangers talk to: it refuses what is
// forged, asks once who somebody is, and passes on the rest to services.
//
//	g, err := gateway.New(gateway.Config{Services: in.Transport(found.Transport(nil)), Minter: minter, IdentityKeys: keys})
//	defer g.Close()
//	e.Use(in.Echo(instrument.Untrusted()))   // first: a refused request is a journey too
//	g.Routes(e)
//	err = gateway.Server(e).Serve(gateway.Listener(ln, e))
//
// What it serves:
//
//	POST /login, POST /logout            a session of the identity service, as cookie or bearer token
//	GET  /home, /v1/home, /v2/home       six services in one answer, as JSON or XML
//	POST /v1/purchases, /v2/purchases    points are bought
//	ANY  /services/{name}/…              what a service answers itself, out of a cache where it may be
//	GET  /track/{id}                     to the timeline of a tracking number
//
// A request passes these in order; each refuses with application/problem+json:
//
//	journey begins ► forged headers dropped ► request log ► rate ► framing, sizes, cycle ► cross-origin ► session ► cache ► service
//
// The types to know are [Config], [Limits] and [Gateway]. Calls of services go by
// name through [Config].Services, which finds an instance. The package never
// shows what a service says with a 5xx, never answers somebody out of another
// one's cache, and never repeats a call that is not idempotent.
package gateway
