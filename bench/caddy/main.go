// Caddy is the peer that the gateway is compared with: Caddy with its HTTP server,
// its reverse proxy and the Caddyfile, as a module of its own so that nothing of it is
// among Waybill's dependencies.
package main

import (
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

func main() { caddycmd.Main() }
