package evidence_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/evidence"
)

func TestRoutesAreReadStrictly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "routes.yaml")
	f := func(text, want string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := evidence.ReadRoutes(path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	f("routes:\n  - topic: orders\n    station: [game]\n", "line 3: field station not found")
	f("routes:\n  - topic: orders\n", "say who picks its messages up")
	f("routes:\n  - topic: or ders\n    stations: [game]\n", `topic "or ders" is not the name of a topic`)
	f("routes:\n  - stations: [game]\n", `route 1: topic "" is not`)
	f("routes:\n  - topic: a\n    groups: [g]\n  - topic: a\n    groups: [h]\n", "route 2: topic a has a route already")
	f("routes:\n  - topic: a\n    groups: [g]\n    within: -3s\n", "within must not be negative")
	f("routes:\n  - topic: a\n    groups: [g]\n    within: soon\n", "line 4: cannot unmarshal")
	f("routes: [", "line 1")
	f("# "+strings.Repeat("x", 1<<20), "longer than 1048576 bytes")
	f("routes:\n"+strings.Repeat("  - {}\n", 1001), "1001 are more than 1000")
	if _, err := evidence.ReadRoutes(path + ".none"); err == nil {
		t.Error("a file that is not there is read")
	}

	const good = "routes:\n  - topic: orders\n    stations: [game, audit]\n    groups: [game-orders]\n    within: 30s\n"
	for text, n := range map[string]int{good: 1, "": 0, "routes:\n": 0} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		routes, err := evidence.ReadRoutes(path)
		if err != nil || len(routes) != n {
			t.Fatalf("%q: %v, %v", text, routes, err)
		}
		if n == 1 {
			r := routes[0]
			if r.Topic != "orders" || !slices.Equal(r.Stations, []string{"game", "audit"}) || !slices.Equal(r.Groups, []string{"game-orders"}) || r.Within != 30*time.Second {
				t.Errorf("%+v", r)
			}
		}
	}
}
