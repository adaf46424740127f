package gateway

import (
	"context"
	"io"
	"net/http"
)

// bound closes an answer when its request ends. Policies drop one that comes when a hedge has
// been decided, or when time is up: nobody else closes it then, and its call seems to go on.
type bound struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bound) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return res, err
	}
	body := res.Body
	res.Body = boundBody{body, context.AfterFunc(r.Context(), func() { body.Close() })}
	return res, nil
}

type boundBody struct {
	io.ReadCloser
	stop func() bool
}

// Close implements io.Closer.
func (b boundBody) Close() error {
	b.stop()
	return b.ReadCloser.Close()
}
