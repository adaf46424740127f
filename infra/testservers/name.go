package testservers

import (
	"crypto/rand"
	"strings"
	"testing"
)

// Name returns a name that no other call returns, for the topics, groups and indices of one test: lower-case ASCII
// letters, digits and single dashes, at most 75 of them, the first a letter. It begins with the test's own name.
func Name(t testing.TB) string {
	return sanitize(t.Name()) + "-" + strings.ToLower(rand.Text()[:10])
}

func sanitize(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	clean := strings.Join(words, "-")
	return strings.TrimRight(clean[:min(len(clean), 64)], "-")
}
