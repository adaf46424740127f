// Package registry tells services where others are: a static list, no Consul.
//
//	r := registry.New(map[string]string{"bank": "http://127.0.0.1:7702"})
//	http.Serve(listener, r)
//	addr, err := registry.Client{URL: "http://127.0.0.1:7701"}.Lookup(ctx, "bank")
package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Service is an entry of the list.
type Service struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// New serves GET /services/{name} from a fixed list of name → URL.
func New(services map[string]string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /services/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		at, ok := services[name]
		if !ok {
			http.Error(w, "no service of that name", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(Service{Name: name, URL: at})
	})
	return mux
}

// Client asks a registry.
type Client struct{ URL string }

var client = http.Client{Timeout: 2 * time.Second}

// Lookup returns the URL of a service.
func (c Client) Lookup(ctx context.Context, name string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+"/services/"+url.PathEscape(name), nil)
	if err != nil {
		return "", fmt.Errorf("look up %s: %w", name, err)
	}
	res, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("look up %s: %w", name, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("look up %s: the registry answered %s", name, res.Status)
	}
	var s Service
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		return "", fmt.Errorf("look up %s: %w", name, err)
	}
	return s.URL, nil
}
