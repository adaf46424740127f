package messaging_test

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waybill-log/waybill/demo-services/messaging"
)

// topicsOf is a table of one topic.
func topicsOf(name string) string { return "topics: {" + name + ": {}}\n" }

func TestFileIsReadAgainWhenItHasChanged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "routes.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)); err != nil { // as a copy that keeps its time
			t.Fatal(err)
		}
	}
	write(topicsOf("a"))
	router, err := messaging.OpenRouter(path)
	if err != nil {
		t.Fatal(err)
	}
	write(topicsOf("b")) // before it looks
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var log journal
		go router.Run(ctx, slog.New(slog.NewTextHandler(&log, nil)))
		for _, step := range []struct {
			name, text, topic, says string
			replaced                bool
		}{
			{"changed before", topicsOf("b"), "b", "have changed", true},
			{"changed", topicsOf("c"), "c", "have changed", true},
			{"same text", topicsOf("c"), "c", "", false},
			{"broken", "topics: {d: {", "c", "stay as they were", false},
			{"still broken", "topics: {d: {", "c", "", false},
			{"unknown topic", topicsOf("d") + "routes: [{type: x, to: [e]}]", "c", "topic e is not among the topics", false},
			{"gone", "", "c", "no such file", false},
			{"there again", topicsOf("f"), "f", "have changed", true},
		} {
			_, changed := router.Table()
			log.Reset()
			if write(step.text); step.text == "" {
				os.Remove(path)
			}
			time.Sleep(3 * time.Second)
			synctest.Wait()
			table, _ := router.Table()
			if got := slices.Collect(maps.Keys(table.Topics)); !slices.Equal(got, []string{step.topic}) {
				t.Errorf("%s: topics %q, want %s", step.name, got, step.topic)
			}
			if closed := isClosed(changed); closed != step.replaced {
				t.Errorf("%s: told of another table: %v, want %v", step.name, closed, step.replaced)
			}
			if lines := strings.Count(log.String(), "\n"); !strings.Contains(log.String(), step.says) || lines != min(len(step.says), 1) {
				t.Errorf("%s: logs %q, want %q once", step.name, log.String(), step.says)
			}
		}
	})
}

// journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Reset()
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestTableThatCannotBeReadNamesItsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.yaml")
	if err := os.WriteFile(broken, []byte("topics: {a: {size: 1}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{filepath.Join(dir, "none.yaml"): "no such file", dir: "is a directory", broken: "line 1: field size"} {
		if _, err := messaging.OpenRouter(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v, want %s and %s", err, path, want)
		}
	}
}
