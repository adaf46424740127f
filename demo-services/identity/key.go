package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"fmt"
)

// Key is the service's private key. It is made once and kept in db, so that who
// is logged in stays so when the service starts again.
func Key(ctx context.Context, db *sql.DB) (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	rand.Read(seed) // never fails
	err := db.QueryRowContext(ctx, "INSERT INTO key VALUES (1, ?) ON CONFLICT DO UPDATE SET one = 1 RETURNING seed", seed).Scan(&seed)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("read key: %d bytes instead of %d", len(seed), ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}
