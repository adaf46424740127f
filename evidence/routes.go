package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/waybill-log/waybill/journey"
)

// Bounds of a file of routes.
const (
	maxRoutesBytes = 1 << 20
	maxRoutes      = 1000
)

// topicName is what Kafka takes for one.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// ReadRoutes reads who picks up what from a YAML file:
//
//	routes:
//	  - topic: orders
//	    stations: [game, audit]  # services, every one of them
//	    groups: [game-orders]    # consumer groups, every one of them
//	    within: 30s              # a message that waits longer is stalled
//
// Keys that it does not know are errors, which name the line.
func ReadRoutes(path string) ([]journey.Route, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxRoutesBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	routes, err := parseRoutes(b)
	if err != nil {
		return nil, fmt.Errorf("routes in %s: %w", path, err)
	}
	return routes, nil
}

func parseRoutes(b []byte) ([]journey.Route, error) {
	if len(b) > maxRoutesBytes {
		return nil, fmt.Errorf("they are longer than %d bytes", maxRoutesBytes)
	}
	var file struct {
		Routes []struct {
			Topic    string        `yaml:"topic"`
			Stations []string      `yaml:"stations"`
			Groups   []string      `yaml:"groups"`
			Within   time.Duration `yaml:"within"`
		} `yaml:"routes"`
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(file.Routes) > maxRoutes {
		return nil, fmt.Errorf("%d are more than %d", len(file.Routes), maxRoutes)
	}
	var out []journey.Route
	seen := map[string]bool{}
	for n, r := range file.Routes {
		switch {
		case !topicName.MatchString(r.Topic):
			return nil, fmt.Errorf("route %d: topic %q is not the name of a topic", n+1, r.Topic)
		case seen[r.Topic]:
			return nil, fmt.Errorf("route %d: topic %s has a route already; write its stations and groups there", n+1, r.Topic)
		case len(r.Stations) == 0 && len(r.Groups) == 0:
			return nil, fmt.Errorf("route %d: topic %s: say who picks its messages up, by stations or groups", n+1, r.Topic)
		case r.Within < 0:
			return nil, fmt.Errorf("route %d: topic %s: within must not be negative", n+1, r.Topic)
		}
		seen[r.Topic] = true
		out = append(out, journey.Route{Topic: r.Topic, Stations: r.Stations, Groups: r.Groups, Within: r.Within})
	}
	return out, nil
}
