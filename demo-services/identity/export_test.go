package identity

import "time"

// Nobody is the hash that is compared where there is no user.
const Nobody = nobody

// Compare replaces what compares passwords.
func (i *Identity) Compare(f func(hash, password []byte) error) { i.compare = f }

// Patience replaces how long a log-in waits for its turn.
func (i *Identity) Patience(d time.Duration) { i.patience = d }
