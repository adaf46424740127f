package gateway

import (
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/waybill-log/waybill/demo-services/credential"
)

const (
	maxTokens = 4096
	reused    = 30 * time.Second // a token, of the minute that it is good for
)

// tokens are those minted a moment ago: signing one takes longer than all else that a call costs.
type tokens struct {
	minter Minter
	cache  *lru.Cache[string, minted]
}

type minted struct {
	token string
	until time.Time
}

func newTokens(minter Minter) (*tokens, error) {
	cache, err := lru.New[string, minted](maxTokens)
	return &tokens{minter, cache}, err
}

// of is a token with which who may ask a service.
func (t *tokens) of(who credential.Claims, service string) (string, error) {
	key := who.Subject + "\x00" + service + "\x00" + strings.Join(who.Roles, "\x00")
	if m, ok := t.cache.Get(key); ok && time.Now().Before(m.until) {
		return m.token, nil
	}
	token, err := t.minter.Mint(who.Subject, service, who.Roles...)
	if err == nil {
		t.cache.Add(key, minted{token, time.Now().Add(reused)})
	}
	return token, err
}
