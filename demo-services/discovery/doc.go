// Package discovery is how a service finds others: it registers with the
// registry, looks up who is there, spreads calls and follows the shared settings.
//
//	c := discovery.New(discovery.Config{URL: "http://127.0.0.1:7701", Logger: log})
//	lease, err := c.Register(ctx, discovery.Instance{Service: "bank", URL: "http://127.0.0.1:7702", Version: "1.0.0"})
//	client := &http.Client{Transport: c.Transport(in.Transport(nil))}
//	res, err := client.Get("http://game/player")            // game is a name: one of its instances is asked
//	go c.Watch(ctx, func(s discovery.Settings) { … })       // now, and with each change
//	defer lease.Close(ctx)                                  // callers hear at once that this one leaves
//
// The types to know are [Client], [Instance], [Lease] and [Settings]; registry
// speaks in the same ones.
//
// A registry that is away costs nobody a call: the last known answer serves, and
// leases are renewed when it is back. What one instance does badly is noticed
// here before the registry says so, and it is asked less.
//
// The package never retries a call (whoever calls knows whether that is safe),
// never asks the registry once per call, and never takes an instance out for
// others: that is the registrar's.
package discovery
