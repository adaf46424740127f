package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"
)

// contexts are servers with names, so that nobody mixes up their tokens:
//
//	current: local
//	contexts:
//	  local: {server: "http://127.0.0.1:7600"}
//	  prod: {server: "https://waybill.example", token-file: ~/.config/waybill/prod.token}
type contexts struct {
	Current  string                 `yaml:"current"` // empty: none, unless somebody names one
	Contexts map[string]namedServer `yaml:"contexts"`

	path string
}

type namedServer struct {
	Server    string `yaml:"server"`
	TokenFile string `yaml:"token-file"`
	CAFile    string `yaml:"server-ca-file"`
}

const maxContexts = 1 << 20 // bytes of the file

// contextsFile is where they are; empty: there is no home.
func contextsFile(environ []string) string {
	a := app{environ: environ}
	dir := a.env("XDG_CONFIG_HOME")
	if dir == "" {
		home := a.env("HOME")
		if home == "" {
			return ""
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "waybill", "contexts.yaml")
}

// readContexts reads the file; none is no contexts.
func readContexts(environ []string) (c contexts, err error) {
	c.path = contextsFile(environ)
	if c.path == "" {
		return c, nil
	}
	body, err := os.ReadFile(c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, nil
	case err != nil:
		return c, fmt.Errorf("contexts: %w", err)
	case len(body) > maxContexts:
		return c, fmt.Errorf("contexts file %s has more than %d bytes", c.path, maxContexts)
	}
	d := yaml.NewDecoder(bytes.NewReader(body))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("contexts file %s: %w", c.path, err)
	}
	for name, s := range c.Contexts {
		if s.Server == "" {
			return c, fmt.Errorf("contexts file %s: %s has no server", c.path, name)
		}
	}
	return c, nil
}

func (c *contexts) names() []string { return slices.Sorted(maps.Keys(c.Contexts)) }

func (c *contexts) find(name string) (namedServer, error) {
	s, ok := c.Contexts[name]
	if ok {
		return s, nil
	}
	if len(c.Contexts) == 0 {
		return s, fmt.Errorf("no context %q: %s does not exist or names none", name, c.path)
	}
	return s, fmt.Errorf("no context %q in %s; there are %s", name, c.path, strings.Join(c.names(), ", "))
}

// settings are those that a context stands for; all of them, so that nothing weaker mixes in.
func (s namedServer) settings(environ []string) (*koanf.Koanf, error) {
	home := (&app{environ: environ}).env("HOME")
	expand := func(file string) string {
		if rest, ok := strings.CutPrefix(file, "~/"); ok {
			return filepath.Join(home, rest)
		}
		return file
	}
	k := koanf.New(flat)
	return k, k.Load(confmap.Provider(map[string]any{
		"server": s.Server, "server-ca-file": expand(s.CAFile), "token": "", "token-file": expand(s.TokenFile),
	}, ""), nil)
}

// withContext puts the settings of a context among layers, which are the environment and flags
// over what is in weaker: over the environment if the flag names it, else below. Who names a
// server has left the context, so that its token goes nowhere else.
func withContext(layers []layer, weaker *koanf.Koanf, environ []string) ([]layer, error) {
	environment, flags := layers[0].settings, layers[1].settings
	all, err := readContexts(environ)
	if err != nil {
		return nil, err
	}
	name, byFlag := flags.String("context"), flags.Exists("context")
	switch {
	case byFlag && flags.Exists("server"):
		return nil, errors.New("give --context or --server, not both: a context says which server is asked")
	case byFlag:
	case environment.Exists("context"):
		name = environment.String("context")
	case weaker.String("context") != "":
		name = weaker.String("context")
	default:
		name = all.Current
	}
	left := flags.Exists("server") || !byFlag && environment.Exists("server")
	if name == "" || left {
		return layers, nil
	}
	server, err := all.find(name)
	if err != nil {
		return nil, err
	}
	of, err := server.settings(environ)
	if err != nil {
		return nil, err
	}
	over := layers[1:] // what is stronger
	if !byFlag {
		over = layers
	}
	for _, l := range over {
		if l.settings.Exists("token") || l.settings.Exists("token-file") {
			of.Delete("token-file")
		}
	}
	if byFlag {
		return []layer{layers[0], {fromContext, of}, layers[1]}, nil
	}
	return []layer{{fromContext, of}, layers[0], layers[1]}, nil
}
