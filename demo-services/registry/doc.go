// Package registry knows which services there are, where, and whether they work;
// and hands out the settings that all share.
//
//	r, err := registry.Open(registry.Config{File: "data/registry.json", Own: "http://127.0.0.1:7701"})
//	go r.Run(ctx)
//	http.Serve(listener, r.Handler())
//
//	POST   /instances {"service":"bank","url":"http://127.0.0.1:7702","version":"1.0.0"}
//	       201 {"id":"k2v…","ttl_ms":5000,"settings":{"version":3,"values":{…}}}
//	PUT    /instances/{id}/heartbeat           204; 404: register again
//	DELETE /instances/{id}                     204
//	GET    /services/{name}                    who serves under a name now
//	GET    /services                           everybody, with the state they are in
//	GET    /settings, /settings?after=VERSION  the settings; held up to 25 s until they are others
//	PUT    /settings {"values":{"a":"1","b":null}}
//
// The types to know are [Registry] and [Config]; [DNS] answers the same by
// SRV and TXT. Package discovery is the client.
//
// Two things must hold for an instance to be in rotation. It sends heartbeats:
//
//	heartbeat ── TTL ──► silent, out of rotation ── TTL/2 ──► forgotten
//
// And it works: the registrar calls GET /diagnostics of each, which makes a service
// use its own store and handlers, and takes out what fails twice in a row.
//
// It is for the inside: it believes whoever reaches it, calls the addresses that
// it is given, and shows settings to everybody. It never forgets settings it has
// confirmed, never proxies a call, and never takes a lock for a look-up.
package registry
