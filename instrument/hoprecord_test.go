package instrument

import (
	"net/url"
	"testing"

	"pgregory.net/rapid"
)

func TestThePathOfAURLIsWhatURLParseSays(t *testing.T) {
	t.Parallel()
	f := func(full string) {
		t.Helper()
		path, ok := pathOf(full)
		u, err := url.Parse(full)
		if ok != (err == nil) || ok && path != u.Path {
			t.Errorf("%q: %q %v, want %v %v", full, path, ok, u, err)
		}
	}
	for _, full := range []string{
		"http://bank:8080/orders/7", "https://bank.example.com/", "http://bank", "http://bank/a?b=/c#/d", "http://bank/a#b", "http://bank?b=/c",
		"http://bank/a%20b", "http://bank/a%zz", "http://bank/ä", "http://bank/a b", "http://bank/\x00", "http://user:pass@bank/a@b", "http://[::1]:80/a",
		"http://bank:port/a", "http://bank:/a", "http://:80/a", "http:///a", "http://", "http:/a", "HTTP://bank/a", "ftp://bank/a", "/a", "", "://a/b",
	} {
		f(full)
	}
	rapid.Check(t, func(t *rapid.T) {
		f(rapid.StringMatching(`https?://[a-z.:@\[0-9-]{0,8}(/[ -~ä]{0,9})?`).Draw(t, "url"))
	})
}
