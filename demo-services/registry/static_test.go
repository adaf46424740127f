package registry

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestReadStatic(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []Service
		ok   bool
	}{
		"a list":      {"services:\n  - name: bank\n    urls: [http://a, http://b]\n    description: takes the money\n", []Service{{"bank", []string{"http://a", "http://b"}, "takes the money"}}, true},
		"nothing":     {"", nil, true},
		"unknown key": {"services:\n  - name: bank\n    url: http://a\n", nil, false},
		"other shape": {"services: bank\n", nil, false},
	} {
		file := filepath.Join(t.TempDir(), "services.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadStatic(file); (err == nil) != c.ok || c.ok && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := ReadStatic(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestAStaticListThatCannotBeIsRefused(t *testing.T) {
	for name, list := range map[string][]Service{
		"bad name":   {{Name: "Bank", URLs: []string{"http://10.0.0.1"}}},
		"no URL":     {{Name: "bank"}},
		"URL twice":  {{Name: "bank", URLs: []string{"http://10.0.0.1", "http://10.0.0.1"}}},
		"name twice": {{Name: "bank", URLs: []string{"http://10.0.0.1"}}, {Name: "bank", URLs: []string{"http://10.0.0.2"}}},
		"itself":     {{Name: "bank", URLs: []string{"http://localhost:7701/"}}},
	} {
		if _, err := Open(Config{Static: list, Own: "http://127.0.0.1:7701"}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStaticAndLiveInstancesShareAName(t *testing.T) {
	list := []Service{{Name: "bank", URLs: []string{"http://10.0.0.1"}, Description: "takes the money"}}
	r := open(t, Config{Static: list})
	register(t, r, "bank", "http://10.0.0.2")
	if o := r.Overview(); rotating(r, "bank") != 2 || o[0].Description != "takes the money" {
		t.Errorf("%+v", o)
	}
	again := open(t, Config{Static: list})
	id := func(r *Registry) (id string) {
		for _, s := range r.Overview()[0].Instances {
			if s.Static {
				id = s.ID
			}
		}
		return id
	}
	if id(r) != id(again) || id(r) == "" {
		t.Error("a static entry changes its ID with each start")
	}
}
