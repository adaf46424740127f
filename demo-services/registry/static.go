package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"
)

// Service is an entry of the static list: one that does not register itself.
type Service struct {
	Name        string   `yaml:"name"`
	URLs        []string `yaml:"urls"`
	Description string   `yaml:"description"` // for people
}

// maxStatic bounds a static list, in bytes.
const maxStatic = 1 << 20

// ReadStatic reads a list of services. Unknown keys are errors.
//
//	services:
//	  - name: bank
//	    urls: [http://bank-1:7702, http://bank-2:7702]
//	    description: takes the money
func ReadStatic(path string) ([]Service, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read static services: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxStatic+1))
	if err == nil && len(b) > maxStatic {
		err = fmt.Errorf("longer than %d bytes", maxStatic)
	}
	if err != nil {
		return nil, fmt.Errorf("read static services %s: %w", path, err)
	}
	var list struct {
		Services []Service `yaml:"services"`
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&list); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read static services %s: %w", path, err)
	}
	return list.Services, nil
}

// addStatic takes in the static list. The same URL twice under one name is an
// error, and so is a name twice.
func (r *Registry) addStatic() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for _, s := range r.cfg.Static {
		if seen[s.Name] || len(s.URLs) == 0 {
			return fmt.Errorf("static service %q: %w: a name comes once, with one URL at least", s.Name, ErrInvalid)
		}
		seen[s.Name] = true
		for _, url := range s.URLs {
			if err := r.addStaticURL(s, url); err != nil {
				return fmt.Errorf("static service %q, %s: %w", s.Name, url, err)
			}
		}
	}
	return nil
}

func (r *Registry) addStaticURL(s Service, url string) error {
	in := Instance{ID: staticID(s.Name, url), Service: s.Name, URL: url}
	if err := errors.Join(r.valid(in), r.room(s.Name)); err != nil {
		return err
	}
	if r.members[in.ID] != nil {
		return fmt.Errorf("%w: it comes twice", ErrInvalid)
	}
	r.add(&member{Instance: in, static: true})
	r.named(s.Name).description = s.Description
	return nil
}

// staticID is the same after each start, so that callers keep what they have seen
// of an instance.
func staticID(name, url string) string {
	sum := sha256.Sum256([]byte(name + " " + url))
	return "static-" + hex.EncodeToString(sum[:8])
}
