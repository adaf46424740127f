package live

import (
	"encoding/base64"
	"errors"
	"math"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestATokenIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := position(rapid.SliceOfN(rapid.Int64Range(0, math.MaxInt64), 0, maxPartitions).Draw(t, "offsets"))
		token := at.String()
		if len(token) > 2*maxToken || url.QueryEscape(token) != token {
			t.Fatalf("%d characters: %s", len(token), token)
		}
		if len(token) > maxToken {
			return // offsets that no topic has come to
		}
		got, err := parsePosition(token)
		if err != nil || !slices.Equal(got, at) {
			t.Fatalf("%v, %v; want %v", got, err, at)
		}
	})
}

func TestTheLargestTokenIsRead(t *testing.T) {
	at := make(position, maxPartitions)
	for p := range at {
		at[p] = 1 << 55 // 36 million messages a second for 30 years
	}
	if got, err := parsePosition(at.String()); err != nil || !slices.Equal(got, at) {
		t.Errorf("%d characters: %v", len(at.String()), err)
	}
}

func TestWhatIsNoTokenIsRefused(t *testing.T) {
	raw := func(b ...byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	many := append([]byte{tokenVersion}, make([]byte, maxPartitions+1)...)
	for what, token := range map[string]string{
		"nothing":              raw(),
		"another version":      raw(2, 1),
		"a cut number":         raw(1, 0x80),
		"a number too long":    raw(1, 0x80, 0),
		"an offset below zero": raw(1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
		"too many partitions":  raw(many...),
		"padding":              raw(1, 1) + "=",
		"another alphabet":     "AQ+/",
		"a line break":         "AQE\n",
		"much":                 strings.Repeat("A", 1<<20),
	} {
		if at, err := parsePosition(token); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v, %v", what, at, err)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add("")
	f.Add(position{0, 1, 300, math.MaxInt64}.String())
	f.Fuzz(func(t *testing.T, token string) {
		at, err := parsePosition(token)
		if err != nil {
			if !errors.Is(err, ErrToken) {
				t.Fatal(err)
			}
			return
		}
		if len(at) > maxPartitions || at.String() != token {
			t.Fatalf("%q is read as %v, which is written %q", token, at, at.String())
		}
	})
}
