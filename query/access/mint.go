package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

const tokenPrefix = "wb_"

// Minted is a new token, which is shown once, and what stands in the file for it.
type Minted struct {
	Token string
	Hash  string // hexadecimal
}

// Mint makes a token for somebody.
func Mint(name string, role Role) (Minted, error) {
	if err := checkName(name); err != nil {
		return Minted{}, err
	}
	if role < Read || role > Admin {
		return Minted{}, errors.New("role is none, want read, write or admin")
	}
	var b [32]byte
	_, _ = rand.Read(b[:]) // it never fails
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	hash := hashOf(token)
	return Minted{Token: token, Hash: hex.EncodeToString(hash[:])}, nil
}

func hashOf(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

const maxName = 64

// checkName wants a name that can stand in a log.
func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("name %.80q has %d bytes, want 1 to %d", name, len(name), maxName)
	}
	for i := range len(name) {
		if name[i] < 0x21 || name[i] > 0x7E {
			return fmt.Errorf("name %q has a space or a character that is not ASCII; leave it out", name)
		}
	}
	return nil
}
