package hook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const maxSecretFile = 64 << 10

// readSecret reads a file at each attempt, so that one that was replaced counts at once. The
// newline at its end is none of it. Its errors show no content.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("%s is longer than %d bytes: is it the right file?", path, maxSecretFile)
	case text == "":
		return "", fmt.Errorf("%s is empty", path)
	case strings.ContainsAny(text, "\r\n\x00"):
		return "", fmt.Errorf("%s has more than one line", path)
	}
	return text, nil
}

// Sizes of a key, by the Standard Webhooks specification.
const (
	minKey = 24
	maxKey = 64
)

// signingKey reads a secret of Standard Webhooks: whsec_ and the key in base64.
func signingKey(path string) (text string, key []byte, err error) {
	if text, err = readSecret(path); err != nil {
		return "", nil, fmt.Errorf("secret to sign with: %w", err)
	}
	coded, ok := strings.CutPrefix(text, "whsec_")
	if key, err = base64.StdEncoding.DecodeString(coded); !ok || err != nil || len(key) < minKey || len(key) > maxKey {
		return "", nil, fmt.Errorf("secret to sign with: %s holds no whsec_ and %d to %d bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes", path, minKey, maxKey)
	}
	return text, key, nil
}

// mask hides secrets in a text.
type mask []string

const masked = "***"

func (m *mask) add(secret string) {
	if len(secret) >= 4 { // a shorter one would hide letters of all words
		*m = append(*m, secret)
	}
}

func (m mask) hide(text string) string {
	for _, secret := range m {
		text = strings.ReplaceAll(text, secret, masked)
	}
	return text
}

// hideIn keeps errors.Is, and hides what the error says.
func (m mask) hideIn(err error) error {
	if err == nil || len(m) == 0 {
		return err
	}
	if text := m.hide(err.Error()); text != err.Error() {
		if errors.Is(err, errForbidden) {
			return fmt.Errorf("%w (%s)", errForbidden, text)
		}
		return errors.New(text)
	}
	return err
}
