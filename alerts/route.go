package alerts

import (
	"errors"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// routeYAML is a route as it stands in the file, and as Alertmanager knows it. Its
// children inherit what they do not say.
type routeYAML struct {
	Receiver string         `yaml:"receiver"`
	Match    []string       `yaml:"match"`
	GroupBy  []string       `yaml:"group_by"`
	Wait     *time.Duration `yaml:"group_wait"`
	Interval *time.Duration `yaml:"group_interval"`
	Repeat   *time.Duration `yaml:"repeat_interval"`
	Continue bool           `yaml:"continue"`
	Routes   []yaml.Node    `yaml:"routes"`
}

// Route says who is told of which alerts, and how they are gathered.
type Route struct {
	Receiver string        `json:"receiver"` // empty: nobody
	Match    Matchers      `json:"match"`
	GroupBy  []string      `json:"group_by"`
	Wait     time.Duration `json:"group_wait"`      // before a new group is told
	Interval time.Duration `json:"group_interval"`  // between two notifications of a group
	Repeat   time.Duration `json:"repeat_interval"` // until a group that still fires is told again
	Continue bool          `json:"continue"`
	Routes   []*Route      `json:"routes"`
	Line     int           `json:"line"`
}

// How groups are told where the file does not say: the first at once.
const (
	defaultInterval = time.Minute
	defaultRepeat   = 4 * time.Hour
	minInterval     = 100 * time.Millisecond
	maxInterval     = 7 * 24 * time.Hour
	maxRouteDepth   = 16
	maxRoutes       = 1000
)

func rootRoute() *Route {
	return &Route{GroupBy: []string{"rule"}, Interval: defaultInterval, Repeat: defaultRepeat}
}

type routeReader struct {
	receivers map[string]bool
	count     int
}

func (rr *routeReader) read(n *yaml.Node, parent *Route, depth int) (*Route, error) {
	var y routeYAML
	fail := func(err error) (*Route, error) { return nil, fmt.Errorf("route (line %d): %w", n.Line, err) }
	if err := strictly(n, &y); err != nil {
		return fail(err)
	}
	if rr.count++; depth > maxRouteDepth || rr.count > maxRoutes {
		return fail(fmt.Errorf("more than %d routes, or more than %d inside each other", maxRoutes, maxRouteDepth))
	}
	match, err := parseMatchers(y.Match)
	if err != nil {
		return fail(err)
	}
	r := &Route{
		Receiver: parent.Receiver, Match: match, GroupBy: parent.GroupBy, Wait: parent.Wait, Interval: parent.Interval, Repeat: parent.Repeat, Continue: y.Continue, Line: n.Line,
	}
	if y.Receiver != "" {
		r.Receiver = y.Receiver
	}
	if r.Receiver != "" && !rr.receivers[r.Receiver] {
		return fail(fmt.Errorf("there is no receiver %q: name it under receivers", cut(r.Receiver, 64)))
	}
	if y.GroupBy != nil {
		r.GroupBy = y.GroupBy
	}
	if len(r.GroupBy) > maxBy {
		return fail(fmt.Errorf("group_by names more than %d labels", maxBy))
	}
	for _, d := range []struct {
		name      string
		from      *time.Duration
		to        *time.Duration
		low, high time.Duration
	}{
		{"group_wait", y.Wait, &r.Wait, 0, maxInterval}, {"group_interval", y.Interval, &r.Interval, minInterval, maxInterval}, {"repeat_interval", y.Repeat, &r.Repeat, time.Minute, maxInterval},
	} {
		if d.from != nil {
			*d.to = *d.from
		}
		if *d.to < d.low || *d.to > d.high {
			return fail(fmt.Errorf("%s is %s, want %s to %s", d.name, *d.to, d.low, d.high))
		}
	}
	if depth == 0 && (len(r.Match) > 0 || r.Continue) {
		return fail(errors.New("the first route takes all alerts: match and continue are for those below it"))
	}
	for i := range y.Routes {
		child, err := rr.read(&y.Routes[i], r, depth+1)
		if err != nil {
			return nil, err
		}
		r.Routes = append(r.Routes, child)
	}
	return r, nil
}

// of are the routes of an alert: the deepest that match, and those after one that says continue.
func (r *Route) of(labels func(string) string) (out []*Route) {
	for _, child := range r.Routes {
		if !child.Match.match(labels) {
			continue
		}
		out = append(out, child.of(labels)...)
		if !child.Continue {
			return out
		}
	}
	if len(out) == 0 {
		out = []*Route{r}
	}
	return out
}
