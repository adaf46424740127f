package ship

import (
	"path/filepath"
	"regexp"
	"strings"
)

// rotated is what rotation and compression put behind a log's name.
var rotated = regexp.MustCompile(`(?:\.(?:log|txt|json|jsonl|ndjson|out|gz|\d+)|[-_.]\d{4}-?\d\d-?\d\d(?:[-_T]?\d+)*)$`)

// serviceOf guesses a service by the path of its log: that of a container in a folder of Kubernetes, else the file's
// name without what rotation puts behind it.
func serviceOf(path string) string {
	dir, file := filepath.Split(filepath.Clean(path))
	if strings.Contains(dir, "/pods/") {
		return filepath.Base(dir)
	}
	name := file
	for {
		shorter := rotated.ReplaceAllString(name, "")
		if shorter == name || shorter == "" {
			break
		}
		name = shorter
	}
	return name
}
