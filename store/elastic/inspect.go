package elastic

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Template is an index template.
type Template struct {
	Name  string
	There int // its version in the cluster; 0: there is none, or it may not be seen
	Own   int // this binary's
}

// Inspect looks whether a cluster answers with all primary shards, and which index templates it
// has. It changes nothing.
func Inspect(ctx context.Context, cfg Config) ([]Template, error) {
	s, err := connect(cfg)
	if err != nil {
		return nil, fmt.Errorf("inspect Elasticsearch: %w", err)
	}
	if err := s.Ready(ctx); err != nil {
		return nil, err
	}
	var out []Template
	for _, kind := range slices.Sorted(maps.Keys(templates)) {
		t := Template{Name: s.prefix + "-" + kind}
		if t.Own, err = versionOf(templates[kind]); err != nil {
			return nil, err
		}
		if t.There, err = s.templateVersion(ctx, t.Name); err != nil {
			return nil, fmt.Errorf("get index template %s: %w", t.Name, err)
		}
		out = append(out, t)
	}
	return out, nil
}

func versionOf(text string) (int, error) {
	var t struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return 0, fmt.Errorf("index template: %w", err)
	}
	return t.Version, nil
}
