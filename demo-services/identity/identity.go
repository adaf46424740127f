// Package identity knows users and logs them in.
//
//	key, err := identity.Key(ctx, db)                       // db has [Schema]; the same key after a restart
//	minter := credential.NewMinter(key, identity.Issuer)
//	i := identity.New(db, log, minter)
//	i.Routes(e)                                             // POST /sessions {user, password}
//
// What a user gets is a token for the gateway, good for an hour; the gateway
// verifies it with credential.NewVerifier(identity.Issuer, identity.Audience, …).
// The type to know is [Identity]. The package never tells whether a user exists,
// neither by what it says nor by how long it takes, and never logs a password.
package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/waybill-log/waybill/demo-services/credential"
)

// Names in the token of a log-in.
const (
	Issuer   = "identity"
	Audience = "gateway"
)

// Schema creates the users of the demo: USER1 with the password demo1, USER2
// with demo2, and STAFF, who has the role staff, with demo3.
const Schema = `
CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, hash TEXT NOT NULL, roles TEXT NOT NULL) STRICT; -- roles: with spaces between them
CREATE TABLE IF NOT EXISTS tries (name TEXT PRIMARY KEY, count INTEGER NOT NULL, since INTEGER NOT NULL) STRICT; -- since: Unix seconds
CREATE TABLE IF NOT EXISTS key (one INTEGER PRIMARY KEY CHECK (one = 1), seed BLOB NOT NULL) STRICT;
INSERT INTO users VALUES
	('USER1', '$2a$10$OQTDMRRFpB6ZtXdY3y1KteDmadp9z4MJ9IhhX6faoHVzb0oGN.8.e', ''),
	('USER2', '$2a$10$/M04nKGj9nHsscN4vUX2e.8DCf2natY4x7iirEn7Ei2hBPVZ/F4jS', ''),
	('STAFF', '$2a$10$PLIFw42NBHf/ItLcewWy6eG43f2r7ogtnm7dI7/sEdz60tf1dp8JC', 'staff')
ON CONFLICT DO NOTHING;`

const (
	// nobody is the hash of a password that nobody has, as costly to compare as
	// those of users.
	nobody = "$2a$10$eL9eCD7wZ8StwZHR0.ARrON7tjNbR2qy.7oWuKjzbS4dzq5/tDFB."

	lasts       = time.Hour       // a log-in
	maxName     = 64              // bytes
	maxPassword = 72              // bytes; bcrypt reads no more
	maxAtOnce   = 2               // passwords compared at a time: each takes a core for 70 ms
	patience    = 2 * time.Second // waiting for that
)

// Reasons to refuse a log-in.
var (
	errWrong = errors.New("user or password is wrong")
	errTries = errors.New("too many tries, wait a minute")
	errBusy  = errors.New("too many log in at once, try again")
)

// Identity is the service.
type Identity struct {
	db       *sql.DB
	log      *slog.Logger
	minter   *credential.Minter
	compare  func(hash, password []byte) error
	turns    chan struct{} // to compare
	patience time.Duration // waiting for one
}

// New logs in the users in db with tokens of minter; log may be nil.
func New(db *sql.DB, log *slog.Logger, minter *credential.Minter) *Identity {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Identity{db: db, log: log, minter: minter, compare: bcrypt.CompareHashAndPassword, turns: make(chan struct{}, maxAtOnce), patience: patience}
}

// login returns the roles of a user whose password it is. A try is counted
// before the password is compared, so that many at once are no way around.
func (i *Identity) login(ctx context.Context, name, password string) (roles []string, err error) {
	count, err := try(ctx, i.db, name, time.Now())
	if err != nil {
		return nil, err
	}
	if count > maxTries {
		return nil, errTries
	}
	hash, roles, err := i.user(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := i.turn(ctx); err != nil {
		return nil, err
	}
	err = i.compare([]byte(hash), []byte(password))
	<-i.turns
	if err != nil || hash == nobody {
		return nil, errWrong
	}
	if _, err := i.db.ExecContext(ctx, "DELETE FROM tries WHERE name = ?", name); err != nil {
		return nil, fmt.Errorf("forget tries: %w", err)
	}
	return roles, nil
}

// user finds the hash of a user's password; that of nobody where there is no user.
func (i *Identity) user(ctx context.Context, name string) (hash string, roles []string, err error) {
	var text string
	err = i.db.QueryRowContext(ctx, "SELECT hash, roles FROM users WHERE name = ?", name).Scan(&hash, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nobody, nil, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("find user: %w", err)
	}
	return hash, strings.Fields(text), nil
}

// turn waits until a password may be compared.
func (i *Identity) turn(ctx context.Context) error {
	late := time.NewTimer(i.patience)
	defer late.Stop()
	select {
	case i.turns <- struct{}{}:
		return nil
	case <-late.C:
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Diagnose counts a try of nobody, looks for users and a key that signs, and
// takes the try back.
func (i *Identity) Diagnose(ctx context.Context) error {
	tx, err := i.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("diagnose identity: %w", err)
	}
	defer tx.Rollback()
	if _, err := try(ctx, tx, "", time.Now()); err != nil {
		return fmt.Errorf("diagnose identity: %w", err)
	}
	var users int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM users JOIN tries ON tries.name = ''").Scan(&users); err != nil || users == 0 {
		return fmt.Errorf("diagnose identity: %d users: %w", users, err)
	}
	if _, err := i.minter.Mint("", Audience); err != nil {
		return fmt.Errorf("diagnose identity: %w", err)
	}
	return nil
}
