package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
)

// maxRegistration bounds what an instance says of itself, in bytes.
const maxRegistration = 4 << 10

// Handler serves the registry's API; the package comment lists it.
func (r *Registry) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"POST /instances":               r.postInstance,
		"PUT /instances/{id}/heartbeat": r.putHeartbeat,
		"DELETE /instances/{id}":        r.deleteInstance,
		"GET /services/{name}":          r.getService,
		"GET /services":                 r.getServices,
		"GET /settings":                 r.getSettings,
		"PUT /settings":                 r.putSettings,
		"GET /healthz":                  getHealth,
		"/":                             nothing,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) {
			if err := serve(w, req); err != nil {
				r.refuse(w, req, err)
			}
		})
	}
	return mux
}

func getHealth(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, []byte(`{"status":"ok"}`))
}

func nothing(http.ResponseWriter, *http.Request) error { return errNoPath }

func (r *Registry) postInstance(w http.ResponseWriter, req *http.Request) error {
	var in struct{ Service, URL, Version string }
	if err := decode(w, req, maxRegistration, &in); err != nil {
		return err
	}
	made, err := r.Register(req.Context(), Instance{Service: in.Service, URL: in.URL, Version: in.Version})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/instances/"+made.ID)
	return replyJSON(w, http.StatusCreated, map[string]any{"id": made.ID, "ttl_ms": r.cfg.TTL.Milliseconds(), "settings": r.Settings()})
}

func (r *Registry) putHeartbeat(w http.ResponseWriter, req *http.Request) error {
	if !r.Heartbeat(req.Context(), req.PathValue("id")) {
		return errNoInstance
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (r *Registry) deleteInstance(w http.ResponseWriter, req *http.Request) error {
	if !r.Deregister(req.Context(), req.PathValue("id")) {
		return errNoInstance
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (r *Registry) getService(w http.ResponseWriter, req *http.Request) error {
	s, ok := r.service(req.PathValue("name"))
	if !ok {
		return errNoService
	}
	return reply(w, http.StatusOK, s.rotation.Load().body())
}

func (r *Registry) getServices(w http.ResponseWriter, _ *http.Request) error {
	return replyJSON(w, http.StatusOK, map[string]any{"services": r.Overview()})
}

func (r *Registry) getSettings(w http.ResponseWriter, req *http.Request) error {
	version := int64(-1)
	if after := req.URL.Query().Get("after"); after != "" {
		n, err := strconv.ParseInt(after, 10, 64)
		if err != nil {
			return fmt.Errorf("%w: after is a version", ErrInvalid)
		}
		version = n
	}
	e, err := r.newer(req.Context(), version)
	if err != nil {
		return err
	}
	if e == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return reply(w, http.StatusOK, e.body)
}

func (r *Registry) putSettings(w http.ResponseWriter, req *http.Request) error {
	var in struct{ Values map[string]*string }
	// A byte may take six in JSON, and keys that go away need room too.
	if err := decode(w, req, int64(r.cfg.Limits.Settings)*8, &in); err != nil {
		return err
	}
	now, err := r.Change(req.Context(), in.Values)
	if err != nil {
		return err
	}
	return replyJSON(w, http.StatusOK, now)
}

// decode reads a body. That it must say it is JSON keeps web pages from posting
// here: a browser asks before it sends that to another site.
func decode(w http.ResponseWriter, req *http.Request, limit int64, into any) error {
	if t, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return errNotJSON
	}
	d := json.NewDecoder(http.MaxBytesReader(w, req.Body, limit))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, end := d.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("more than one value")
		}
	}
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return long
	case err != nil:
		return fmt.Errorf("%w: the body cannot be read as what is needed here", ErrInvalid)
	}
	return nil
}

func replyJSON(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return reply(w, status, b)
}

func reply(w http.ResponseWriter, status int, body []byte) error {
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
	return nil
}
