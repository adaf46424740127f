package hook

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Receiver is who is told, as it stands in the rules file. It has exactly one kind.
//
//	receivers:
//	  - name: ops
//	    webhook: {url: https://ops.example.com/alerts, secret_files: [/run/secrets/ops]}
//	    fallback: mail
//	  - name: mail
//	    email: {server: smtp.example.com:587, from: waybill@example.com, to: [ops@example.com]}
//
// It is reached directly, never through a proxy, and only at public addresses: those of the
// machine and of private networks need AllowPrivate, and link-local ones, where clouds
// have their metadata, are never reached. The addresses are judged as they are dialled.
type Receiver struct {
	Name         string        `yaml:"name"`
	Fallback     string        `yaml:"fallback"`      // who is told what this one does not take; empty: nobody
	Timeout      time.Duration `yaml:"timeout"`       // of an attempt; 0: 10 s
	Retry        Retry         `yaml:"retry"`         // zero fields: as they say
	Ceiling      Ceiling       `yaml:"ceiling"`       // zero fields: as they say
	AllowPrivate bool          `yaml:"allow_private"` // it may be on this machine or in a private network

	Webhook      *Webhook      `yaml:"webhook"`
	Alertmanager *Alertmanager `yaml:"alertmanager"`
	Slack        *Chat         `yaml:"slack"`
	Teams        *Chat         `yaml:"teams"`
	Discord      *Chat         `yaml:"discord"`
	Email        *Email        `yaml:"email"`
	Exec         *Exec         `yaml:"exec"`
	Kafka        *Topic        `yaml:"kafka"`

	Line int `yaml:"-"` // in the file; 0: it is from none
}

// Bounds of what is configured.
const (
	maxReceivers = 500
	maxTimeout   = time.Minute
)

// receiverName has no slash, for the journal's keys, and is short, for metrics and sagas.
var receiverName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// kind takes notifications to receivers of one kind.
type kind interface {
	// deliver fills in what came of it, but for the times. It returns soon after ctx has ended.
	deliver(ctx context.Context, p *parcel, a *answer)
	where() string // for people, without secrets
	close()
}

// settings are those of one kind.
type settings interface {
	check(r *Receiver) error
	perMinute() int // the usual ceiling
	kind(m *Manager, r *Receiver) (kind, error)
}

// settings finds the one kind that is set.
func (r *Receiver) settings() (name string, found settings, err error) {
	for _, one := range []struct {
		name string
		settings
	}{
		{"webhook", r.Webhook}, {"alertmanager", r.Alertmanager}, {"slack", chat(r.Slack, slack)}, {"teams", chat(r.Teams, teams)},
		{"discord", chat(r.Discord, discord)}, {"email", r.Email}, {"exec", r.Exec}, {"kafka", r.Kafka},
	} {
		if reflect.ValueOf(one.settings).IsNil() {
			continue
		}
		if found != nil {
			return "", nil, fmt.Errorf("it is both %s and %s: make two receivers of it", name, one.name)
		}
		name, found = one.name, one.settings
	}
	if found == nil {
		return "", nil, errors.New("it has no kind: give it one of webhook, alertmanager, slack, teams, discord, email, exec or kafka")
	}
	return name, found, nil
}

// withDefaults is r with every field set.
func (r Receiver) withDefaults() Receiver {
	r.Timeout, r.Retry = or(r.Timeout, 10*time.Second), r.Retry.withDefaults()
	usual := 60
	if _, s, err := r.settings(); err == nil {
		usual = s.perMinute()
	}
	r.Ceiling.PerMinute, r.Ceiling.Burst = or(r.Ceiling.PerMinute, usual), or(r.Ceiling.Burst, 10)
	return r
}

func (r *Receiver) check() error {
	if !receiverName.MatchString(r.Name) {
		return fmt.Errorf("its name is %.100q, want 1 to 64 letters, digits, -, _ or .", r.Name)
	}
	if r.Timeout <= 0 || r.Timeout > maxTimeout {
		return fmt.Errorf("timeout is %v, want up to %v", r.Timeout, maxTimeout)
	}
	_, s, err := r.settings()
	if err == nil {
		err = s.check(r)
	}
	return errors.Join(err, r.Retry.check(), r.Ceiling.check())
}

// wrong says which receiver err is about.
func (r *Receiver) wrong(err error) error {
	if r.Line == 0 {
		return fmt.Errorf("receiver %.100q: %w", r.Name, err)
	}
	return fmt.Errorf("receiver %.100q (line %d): %w", r.Name, r.Line, err)
}

// checkReceivers is what is wrong with them, each and together.
func checkReceivers(all []Receiver) error {
	if len(all) > maxReceivers {
		return fmt.Errorf("there are %d receivers, want at most %d", len(all), maxReceivers)
	}
	byName := make(map[string]*Receiver, len(all))
	for i := range all {
		r := all[i].withDefaults()
		if err := r.check(); err != nil {
			return r.wrong(err)
		}
		if byName[r.Name] != nil {
			return r.wrong(errors.New("another one has this name: rename one"))
		}
		byName[r.Name] = &r
	}
	for i := range all {
		r := &all[i]
		way := r.Name
		for at := r; at.Fallback != ""; at = byName[at.Fallback] {
			way += " → " + at.Fallback
			if byName[at.Fallback] == nil {
				return r.wrong(fmt.Errorf("there is no receiver %q to fall back on", at.Fallback))
			}
			if at.Fallback == r.Name {
				return r.wrong(fmt.Errorf("fallbacks go in a circle, %s: leave one out", way))
			}
			if len(way) > 100*len(all) { // a circle that it is not in, which is told of those that are
				break
			}
		}
	}
	return nil
}

// receiver is a Receiver at work.
type receiver struct {
	Receiver
	given   Receiver
	kind    kind
	limiter *rate.Limiter
	dead    atomic.Bool
}

func (m *Manager) newReceiver(given Receiver) (*receiver, error) {
	r := &receiver{Receiver: given.withDefaults(), given: given}
	_, s, err := r.settings()
	if err != nil {
		return nil, err
	}
	if r.kind, err = s.kind(m, &r.Receiver); err != nil {
		return nil, err
	}
	r.limiter = rate.NewLimiter(rate.Limit(r.Ceiling.PerMinute)/60, r.Ceiling.Burst)
	return r, nil
}

func (r *receiver) kindName() string {
	name, _, _ := r.settings()
	return name
}

// same reports whether nothing but the line has changed.
func (r *receiver) same(to Receiver) bool {
	to.Line = r.given.Line
	return reflect.DeepEqual(r.given, to)
}

// try makes one attempt.
func (r *receiver) try(ctx context.Context, m *Manager, p *parcel) *answer {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	a := &answer{at: time.Now()}
	ctx, done := m.hop(ctx, p)
	r.kind.deliver(ctx, p, a)
	a.took = time.Since(a.at)
	if a.err != nil && ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		a.err = fmt.Errorf("it took longer than %v: %w", r.Timeout, a.err)
	}
	done(a)
	return a
}
