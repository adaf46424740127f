package credential

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// life is how long an internal token is good: a call and its retries.
const life = time.Minute

var errPrivateKey = errors.New("not an Ed25519 private key")

// token is what a JWT says.
type token struct {
	jwt.RegisteredClaims
	Roles []string `json:"roles,omitempty"`
}

// Minter signs tokens. Safe for concurrent use.
type Minter struct {
	key    ed25519.PrivateKey
	id     string
	issuer string
}

// NewMinter signs with key in the name of issuer.
func NewMinter(key ed25519.PrivateKey, issuer string) *Minter {
	return &Minter{key: key, id: keyID(public(key)), issuer: issuer}
}

// Key is what a Verifier needs.
func (m *Minter) Key() ed25519.PublicKey { return public(m.key) }

// Mint signs a token for one call: subject asks audience, for a minute.
func (m *Minter) Mint(subject, audience string, roles ...string) (string, error) {
	text, _, err := m.Issue(subject, audience, life, roles...)
	return text, err
}

// Issue signs a token that lasts, such as that of a log-in, and says until when.
func (m *Minter) Issue(subject, audience string, lasts time.Duration, roles ...string) (string, time.Time, error) {
	if len(m.key) != ed25519.PrivateKeySize {
		return "", time.Time{}, fmt.Errorf("sign token for %s: %w", audience, errPrivateKey)
	}
	now := time.Now().Truncate(time.Second) // a JWT counts seconds
	ends := now.Add(lasts)
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, token{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: m.issuer, Subject: subject, Audience: jwt.ClaimStrings{audience},
			ID:       rand.Text(), // so that one log-in can be revoked and not that of the same second
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(ends),
		},
		Roles: roles,
	})
	t.Header["kid"] = m.id
	text, err := t.SignedString(m.key)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign token for %s: %w", audience, err)
	}
	return text, ends, nil
}

// public is nil for what is no key.
func public(key ed25519.PrivateKey) ed25519.PublicKey {
	if len(key) != ed25519.PrivateKeySize {
		return nil
	}
	return ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}
