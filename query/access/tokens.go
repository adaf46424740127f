package access

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"
)

// Limits on a file of tokens.
const (
	maxFile   = 1 << 20
	maxTokens = 1000
	maxSeen   = 1000 // services of one token
)

// checkEvery is how often the file is looked at, at most.
const checkEvery = 5 * time.Second

// Tokens are those that are let in.
type Tokens struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex
	entries []entry
	stamp   stamp
	checked time.Time
}

type entry struct {
	hash   [sha256.Size]byte
	holder Holder
}

// stamp tells one content of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

// Single lets in the one token that is given, as admin.
func Single(token string) *Tokens {
	return &Tokens{entries: []entry{{hash: hashOf(token), holder: Holder{Name: "token", Role: Admin}}}}
}

// Load reads a file of tokens, and reads it again when it changes. A file that cannot be read
// then leaves the tokens as they were; log, which may be nil, is told.
func Load(path string, log *slog.Logger) (*Tokens, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	t := &Tokens{path: path, log: log, checked: time.Now()}
	var err error
	if t.stamp, err = stampOf(path); err == nil {
		t.entries, err = read(path)
	}
	if err != nil {
		return nil, fmt.Errorf("tokens: %w", err)
	}
	return t, nil
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

func read(path string) ([]entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	entries, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return entries, nil
}

// parse reads
//
//	tokens:
//	  - name: ci
//	    hash: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
//	    role: read
//	    services: [bank]
//	    expires: 2027-01-01T00:00:00Z
func parse(text []byte) ([]entry, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("it is larger than %d bytes; split the services or drop tokens", maxFile)
	}
	var file struct {
		Tokens []yaml.Node `yaml:"tokens"`
	}
	if err := strictly(text, &file); err != nil {
		return nil, err
	}
	if n := len(file.Tokens); n == 0 || n > maxTokens {
		return nil, fmt.Errorf("it has %d tokens, want 1 to %d", n, maxTokens)
	}
	// A node is not decoded strictly, so all is read once more, as what it is.
	var typed struct {
		Tokens []written `yaml:"tokens"`
	}
	if err := strictly(text, &typed); err != nil {
		return nil, err
	}
	entries, names := make([]entry, 0, len(typed.Tokens)), map[string]bool{}
	for i, w := range typed.Tokens {
		e, err := w.entry()
		if err == nil && names[w.Name] {
			err = fmt.Errorf("name %q stands here twice", w.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", file.Tokens[i].Line, err)
		}
		names[w.Name] = true
		entries = append(entries, e)
	}
	return entries, nil
}

func strictly(text []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// written is a token as it stands in the file.
type written struct {
	Name     string    `yaml:"name"`
	Hash     string    `yaml:"hash"`
	Role     string    `yaml:"role"`
	Services []string  `yaml:"services"`
	Expires  time.Time `yaml:"expires"`
}

func (w *written) entry() (e entry, err error) {
	if err := checkName(w.Name); err != nil {
		return e, err
	}
	hash, err := hex.DecodeString(w.Hash)
	if err != nil || len(hash) != len(e.hash) {
		return e, fmt.Errorf("hash of %s is not the SHA-256 of a token, as %d hexadecimal digits", w.Name, 2*len(e.hash))
	}
	copy(e.hash[:], hash)
	role, err := ParseRole(w.Role)
	if err != nil {
		return e, err
	}
	if len(w.Services) > maxSeen {
		return e, fmt.Errorf("%s has more than %d services", w.Name, maxSeen)
	}
	for _, service := range w.Services {
		if service == "" {
			return e, fmt.Errorf("%s has a service without a name; leave it out", w.Name)
		}
	}
	if w.Services != nil && len(w.Services) == 0 {
		return e, fmt.Errorf("%s has an empty list of services; leave it out for all", w.Name)
	}
	e.holder = Holder{Name: w.Name, Role: role, Services: w.Services, Expires: w.Expires}
	return e, nil
}

// find compares with every token, so that the time it takes tells nothing.
func (t *Tokens) find(token string, now time.Time) (Holder, error) {
	hash, found, err := hashOf(token), Holder{}, ErrBadToken
	for _, e := range t.current(now) {
		if subtle.ConstantTimeCompare(hash[:], e.hash[:]) == 1 {
			found, err = e.holder, nil
		}
	}
	if err == nil && !found.Expires.IsZero() && !now.Before(found.Expires) {
		return Holder{}, ErrExpired
	}
	return found, err
}

func (t *Tokens) current(now time.Time) []entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path == "" || now.Sub(t.checked) < checkEvery {
		return t.entries
	}
	t.checked = now
	at, err := stampOf(t.path)
	if err == nil && at == t.stamp {
		return t.entries
	}
	var entries []entry
	if err == nil {
		entries, err = read(t.path)
	}
	if err != nil {
		t.log.Error("tokens are as they were, since their file cannot be read", "file", t.path, "error", err)
		return t.entries
	}
	t.entries, t.stamp = entries, at
	t.log.Info("tokens were read again", "file", t.path, "tokens", len(entries))
	return entries
}
