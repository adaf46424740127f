package access

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"
)

// Protect lets in whom the policy knows and the role may have; next finds them with From.
func (p *Policy) Protect(role Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.cfg.Tokens == nil && !local(r.Host) {
			refuse(w, http.StatusMisdirectedRequest, "without a token this server answers as localhost only: open it by that name, or give it a token")
			return
		}
		if err := p.cross.Check(r); err != nil {
			refuse(w, http.StatusForbidden, "another web site's page may not ask this: "+err.Error())
			return
		}
		h, ok := p.admit(w, r)
		if !ok {
			return
		}
		if !h.May(role) {
			refuse(w, http.StatusForbidden, fmt.Sprintf("this takes the role %s, and %s has %s: ask for another token", role, h.Name, h.Role))
			return
		}
		next.ServeHTTP(w, r.WithContext(with(r.Context(), h)))
	})
}

// admit finds out who asks and whether it is too often, or answers.
func (p *Policy) admit(w http.ResponseWriter, r *http.Request) (Holder, bool) {
	now, from := p.cfg.Now(), peer(r)
	if wait := p.refusals.wait(from, now); wait > 0 {
		tooOften(w, wait, "too many requests with a token that is none came from this address")
		return Holder{}, false
	}
	if wait := p.asking.take("address "+from, now); wait > 0 && p.cfg.Tokens != nil {
		tooOften(w, wait, "too many requests came from this address")
		return Holder{}, false
	}
	h, err := p.Who(r)
	if err != nil {
		p.refusals.take(from, now)
		w.Header().Set("WWW-Authenticate", `Bearer realm="waybill"`)
		refuse(w, http.StatusUnauthorized, err.Error())
		return Holder{}, false
	}
	if wait := p.asking.take("holder "+h.Name, now); wait > 0 && p.cfg.Tokens != nil {
		tooOften(w, wait, "too many requests came from "+h.Name)
		return Holder{}, false
	}
	return h, true
}

func tooOften(w http.ResponseWriter, wait time.Duration, why string) {
	w.Header().Set("Retry-After", fmt.Sprint(int64(math.Ceil(wait.Seconds()))))
	refuse(w, http.StatusTooManyRequests, why+": wait as long as Retry-After says")
}

// refuse answers with a problem (RFC 9457).
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{ // whoever has gone misses nothing
		"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": why,
	})
}
