// Package credential is the internal token: who asks, said by the gateway to
// one service for a minute, so that services need not log people in.
//
//	minter := credential.NewMinter(key, "gateway")
//	token, err := minter.Mint("USER1", "orders", "staff")        // the gateway, per call
//	req.Header.Set(credential.Header, token)
//
//	verifier := credential.NewVerifier("gateway", "orders", keys)
//	e.Use(in.Echo(), verifier.Echo())                            // the service, once
//	who, ok := credential.From(ctx)                              // and its handlers
//
// A token is a JWT (RFC 7519) signed with Ed25519 (RFC 8037) and names the one
// service that may take it. The types to know are [Minter], [Verifier] and
// [Claims]; public keys travel as text, see [FormatKeys].
//
// The package never takes another algorithm than EdDSA, never a token without
// an end, and never tells a caller why a token was refused.
package credential

// Header carries the token from the gateway to a service. The gateway strips
// what a stranger sends under this name.
const Header = "X-Internal-Credential"
