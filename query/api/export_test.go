package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// NewDescribed is New, with what describes it.
func NewDescribed(cfg Config) (http.Handler, *huma.OpenAPI, error) {
	s, e, err := newServer(cfg)
	if err != nil {
		return nil, nil, err
	}
	return e, s.api.OpenAPI(), nil
}
