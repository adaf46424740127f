package messaging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Bounds of a table.
const (
	maxTableBytes = 1 << 20
	maxEntries    = 1000
)

// Table says where messages flow. It does not change.
type Table struct {
	Topics map[string]Topic `yaml:"topics"`
	Routes []Route          `yaml:"routes"`
}

// Topic is one of Kafka's, and who reads it.
type Topic struct {
	Partitions int32         `yaml:"partitions"` // 0: 3
	Readers    []string      `yaml:"readers"`    // services; none: whoever waits for replies
	Within     time.Duration `yaml:"within"`     // how long a message may wait; 0: it is not said
}

// Route is where messages of a type go. Of several that match, the first counts.
type Route struct {
	Type string            `yaml:"type"`
	When map[string]string `yaml:"when"` // headers it must have; see WithHeader
	To   []string          `yaml:"to"`   // topics
}

var (
	topicName   = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,200}$`)
	typeName    = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,99}$`)
	serviceName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
)

// ReadTable reads a table from a YAML file. Keys that it does not know are errors, which name the line.
func ReadTable(path string) (*Table, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	return parse(path, text)
}

func readText(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read message routes: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxTableBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read message routes: %w", err)
	}
	return text, nil
}

func parse(path string, text []byte) (*Table, error) {
	t, err := ParseTable(text)
	if err != nil {
		return nil, fmt.Errorf("message routes in %s: %w", path, err)
	}
	return t, nil
}

// ParseTable reads a table from YAML.
func ParseTable(text []byte) (*Table, error) {
	if len(text) > maxTableBytes {
		return nil, fmt.Errorf("they are longer than %d bytes", maxTableBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	t := &Table{}
	if err := d.Decode(t); errors.Is(err, io.EOF) {
		return nil, errors.New("there is nothing in them")
	} else if err != nil {
		return nil, err
	}
	if err := d.Decode(&Table{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after their end, the line ---")
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Table) check() error {
	if len(t.Topics) > maxEntries || len(t.Routes) > maxEntries {
		return fmt.Errorf("more than %d topics or routes", maxEntries)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Topics)) {
		topic := t.Topics[name]
		switch {
		case !topicName.MatchString(name) || name == "." || name == "..":
			return fmt.Errorf("topic %q is not the name of a topic", name)
		case topic.Partitions < 0 || topic.Partitions > 1000:
			return fmt.Errorf("topic %s: %d partitions, want 1 to 1000", name, topic.Partitions)
		case topic.Within < 0:
			return fmt.Errorf("topic %s: within must not be negative", name)
		}
		for _, reader := range topic.Readers {
			if !serviceName.MatchString(reader) {
				return fmt.Errorf("topic %s: %q is not the name of a service", name, reader)
			}
		}
	}
	for n, r := range t.Routes {
		if !typeName.MatchString(r.Type) {
			return fmt.Errorf("route %d: %q is not a type of messages; use lower-case words with dots, such as order.place", n+1, r.Type)
		}
		if len(r.To) == 0 {
			return fmt.Errorf("route %d: say to which topics messages of type %s go", n+1, r.Type)
		}
		for m, to := range r.To {
			if _, ok := t.Topics[to]; !ok {
				return fmt.Errorf("route %d: topic %s is not among the topics", n+1, to)
			}
			if slices.Contains(r.To[:m], to) {
				return fmt.Errorf("route %d: topic %s is there twice", n+1, to)
			}
		}
		for m, before := range t.Routes[:n] {
			if before.takes(r.Type, r.When) {
				return fmt.Errorf("route %d: messages of type %s never come to it, since route %d takes them all", n+1, r.Type, m+1)
			}
		}
	}
	return nil
}

// topics are where a message goes.
func (t *Table) topics(typ string, headers map[string]string) ([]string, error) {
	for _, r := range t.Routes {
		if r.takes(typ, headers) {
			return r.To, nil
		}
	}
	return nil, fmt.Errorf("no route for messages of type %s", typ)
}

// takes reports whether messages of a type with these headers, and any others, match.
func (r Route) takes(typ string, headers map[string]string) bool {
	if r.Type != typ {
		return false
	}
	for name, value := range r.When {
		if has, ok := headers[name]; !ok || has != value {
			return false
		}
	}
	return true
}

// reads are the topics of a service, by name.
func (t *Table) reads(service string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(t.Topics)) {
		if slices.Contains(t.Topics[name].Readers, service) {
			names = append(names, name)
		}
	}
	return names
}
