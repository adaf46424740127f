package credential

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// maxKeys bounds a list of keys: the one in use and those before and after it.
const maxKeys = 8

var errKeySize = errors.New("not an Ed25519 public key")

// FormatKeys writes public keys as base64, with commas between them: the form
// in which the registry's settings hold them.
func FormatKeys(keys ...ed25519.PublicKey) string {
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = base64.StdEncoding.EncodeToString(k)
	}
	return strings.Join(texts, ",")
}

// ParseKeys reads what FormatKeys wrote. No text is no keys.
func ParseKeys(text string) ([]ed25519.PublicKey, error) {
	if text == "" {
		return nil, nil
	}
	texts := strings.SplitN(text, ",", maxKeys+1)
	if len(texts) > maxKeys {
		return nil, fmt.Errorf("read keys: more than %d", maxKeys)
	}
	var keys []ed25519.PublicKey
	for _, t := range texts {
		k, err := base64.StdEncoding.DecodeString(strings.TrimSpace(t))
		if err == nil && len(k) != ed25519.PublicKeySize {
			err = errKeySize
		}
		if err != nil {
			return nil, fmt.Errorf("read key %d: %w", len(keys)+1, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// keyID is a token's kid: a name that follows from the key, so that nobody has
// to hand out names.
func keyID(k ed25519.PublicKey) string {
	sum := sha256.Sum256(k)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
