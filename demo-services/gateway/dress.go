package gateway

import (
	"fmt"
	"net/http"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// dressed gives each call what its service trusts, and takes what is not for it.
type dressed struct {
	tokens *tokens
	name   string // in Via
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (d dressed) RoundTrip(r *http.Request) (*http.Response, error) {
	who, _ := credential.From(r.Context())
	token, err := d.tokens.of(who, r.URL.Host)
	if err != nil {
		return nil, fmt.Errorf("mint credential: %w", err)
	}
	out := r.WithContext(r.Context())
	out.Header = r.Header.Clone()
	out.Header.Del("Cookie")
	out.Header.Del("Authorization")
	out.Header.Set(credential.Header, token)
	out.Header.Add("Via", "1.1 "+d.name)
	return d.next.RoundTrip(out)
}
