package instrument

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	slogmulti "github.com/samber/slog-multi"
)

var builtIn = newRedactor(Redaction{})

const (
	testJWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
	testPEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nab+/=\n-----END RSA PRIVATE KEY-----"
)

func TestSecretsInText(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := builtIn.text(in); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		if again := builtIn.text(want); again != want {
			t.Errorf("%s\nbecomes %s when redacted again", want, again)
		}
	}
	// schemes
	f("sent Bearer abc123DEF to a", "sent Bearer [redacted] to a")
	f("bearer  "+testJWT, "bearer  [redacted]")
	f("Basic dXNlcjpwYXNz", "Basic [redacted]")
	f("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== ok", "Basic [redacted] ok")
	// tokens that name themselves
	f("got "+testJWT+", expired", "got [redacted], expired")
	f("key AKIAIOSFODNN7EXAMPLE.", "key [redacted].")
	f("ASIAIOSFODNN7EXAMPLE", "[redacted]")
	f("AIza"+strings.Repeat("Sy0_-", 7)+" used", "[redacted] used")
	for _, kind := range []string{"ghp", "gho", "ghu", "ghs", "ghr"} {
		f("push with "+kind+"_16C7e42F292c6912E7710c838347Ae178B4a!", "push with [redacted]!")
	}
	f("github_pat_11ABCDEFG0abcdefghij_KLMNOPQRSTUVWXYZ", "[redacted]")
	for _, kind := range "bpars" {
		f("xox"+string(kind)+"-123456789012-abcdefGHIJ", "[redacted]")
	}
	f("(sk_live_4eC39HqLyjWDarjtT1zdp7dc)", "([redacted])")
	f("rk_live_4eC39HqLyjWDarjtT1zdp7dc", "[redacted]")
	f("key:\n"+testPEM+"\nend", "key:\n[redacted]\nend")
	f("cut "+testPEM[:50], "cut [redacted]")
	// URLs
	f("dial postgres://app:s3cr@t@db:5432/orders?x=1", "dial postgres://app:[redacted]@db:5432/orders?x=1")
	f("redis://:hunter2@cache", "redis://:[redacted]@cache")
	f("postgres://app:a/b#c@db/orders", "postgres://app:[redacted]@db/orders")
	f("app:hunter2@tcp(db:3306)/orders", "app:[redacted]@tcp(db:3306)/orders")
	f("GET /cb?access_token=abc&state=x", "GET /cb?access_token=[redacted]&state=x")
	// cards
	for _, number := range []string{
		"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5555555555554444", "2223003122003222",
		"378282246310005", "3782 822463 10005", "30569309025904", "6011111111111117", "3530111333300000", "4222222222222", "6200000000000005",
	} {
		f("paid with "+number+", ok", "paid with [redacted], ok")
		f(`{"n":"`+number+`"}`, `{"n":"[redacted]"}`)
	}
	f("4111 1111 1111 1111 123", "[redacted] 123")
	f("1234 4111 1111 1111 1111", "1234 [redacted]")
	// pairs
	f("password=hunter2", "password=[redacted]")
	f("user=bob password=hunter2 x=1", "user=bob password=[redacted] x=1")
	f("Password: hunter2.", "Password: [redacted]")
	f("password: swordfish", "password: [redacted]")
	f("login password: swordfish user: bob", "login password: [redacted] user: bob")
	f(`password = "a b\"c" next`, `password = "[redacted]" next`)
	f("{User:bob Password:hunter2}", "{User:bob Password:[redacted]}")
	f("Host=db;Password=p]ss;User=x", "Host=db;Password=[redacted];User=x")
	f(`{"user":"bob","password":"hunter2"}`, `{"user":"bob","password":"[redacted]"}`)
	f(`{"pin": 1234, "n": 5}`, `{"pin": "[redacted]", "n": 5}`)
	f(`{"token":{"a":"}","b":[1]},"n":5}`, `{"token":"[redacted]","n":5}`)
	f(`body={\"password\":\"hun\\\"ter2\",\"n\":1}`, `body={\"password\":\"[redacted]\",\"n\":1}`)
	f(`{"password":"a\\","n":"b"}`, `{"password":"[redacted]","n":"b"}`)
	f(`{\"password\":\"a\\\\\",\"n\":1}`, `{\"password\":\"[redacted]\",\"n\":1}`)
	f(`{\"token\":{\"a\":\"}\"},\"n\":1}`, `{\"token\":\"[redacted]\",\"n\":1}`)
	f(`{:password=>"x1", "api key" => 'y2'}`, `{:password=>"[redacted]", "api key" => '[redacted]'}`)
	f("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key=[redacted]")
	f("X-Api-Key: k1234", "X-Api-Key: [redacted]")
	f("Authorization: Bearer hunter to a", "Authorization: Bearer [redacted] to a")
	f("Authorization: Bearer h-1 to a", "Authorization: Bearer [redacted] to a")
	f("authorization=Token t1 order=o1", "authorization=Token [redacted] order=o1")
	f("Authorization: Digest username=\"Mufasa\", response=\"66\"\nHost: x", "Authorization: Digest [redacted]\nHost: x")
	f("Authorization: AWS4-HMAC-SHA256 Credential=a/b, Signature=c", "Authorization: [redacted]")
	f("curl -H 'Cookie: a=1; b=2' http://x", "curl -H 'Cookie: [redacted]' http://x")
	f("Set-Cookie: sid=abc; Path=/; HttpOnly\r\nX: y", "Set-Cookie: [redacted]\r\nX: y")
	f("cookie=a=1; b=2 x=1", "cookie=[redacted] x=1")
	f("map[Authorization:[Bearer abc] Accept:[*/*]]", "map[Authorization:[redacted] Accept:[*/*]]")
	f("enter card_pin=1234", "enter card_pin=[redacted]")
	f("pässwörter: token=é", "pässwörter: token=[redacted]")
}

func TestTextsWithoutSecretsSurvive(t *testing.T) {
	for _, s := range []string{
		"", "x", "order accepted", "Bearer of news", "bearer token missing", "the bearer authentication failed", "Basic plan chosen",
		"Basic authentication required", "basic JavaScript", "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "550e8400-e29b-41d4-a716-446655440000",
		"ORD-4111111111111111", "o4111111111111111", "4111111111111111a", "4111111111111111.5", "0.4111111111111111",
		"order 4111111111111112", "4111 1111 1111 1112", "41111111111111111", "+4111111111111111", "1-4111111111111111",
		"411 1111 1111 1111 1", "4611686018427387906", "4000000000000000006", "1700000000000000000", "1234567890123456789", "1800000000000000009",
		"2026-01-02T15:04:05.123456789Z", "2026-01-02 15:04:05 took 12 ms", "192.168.100.200:8080", "tokenizer=5", "token_count=5 tokens=7 prompt_tokens: 99",
		"shipping=express", "spin: 5", "mapping: 3", "page_token=abc next page token: abc12", "author=bob", "secretary: bob1",
		"read secret: open /run/x: no such file", "invalid token: EOF", "token: expired", "token == nil", "token := next()", "Token::parse",
		"unexpected token: \"}\"", "unexpected token: { at 5", "wrong password for bob", "password=", "password=null", `"password":null,`, "token=true", "password=****",
		"authorization: policy denies", "https://host:8080/a/@b", "https://example.com/@user:x", "https://[::1]:80/a@b", "mail a@b.example: sent",
		"http://a.example:80?mail=a@b.example", "eyJ is how it begins", "eyJhbGciOi", "AKIA", "AKIAIOSFODNN7EXAMPLEXX", "ghp_short", "github_pat_documentation_is_here",
		"xox-ray-machine-room-nine", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "----------------------",
		"retry in 5s: dial tcp 10.0.0.1:9092: connect: connection refused",
	} {
		if got := builtIn.text(s); got != s {
			t.Errorf("%s\nbecame %s", s, got)
		}
	}
}

func TestKeysOfSecrets(t *testing.T) {
	for _, name := range []string{
		"password", "Password", "db_password", "dbPassword", "DB-PASSWORD", "user.password", "password2", "password_2", "passwords.0", "pass word", "passwd",
		"pwd", "userpwd", "passphrase", "client_secret", "token", "accessToken", "csrf-token", "Authorization", "Proxy-Authorization",
		"Set-Cookie", "api_key", "X-Api-Key", "aws_secret_access_key", "private.key", "credentials", "credential", "card_number", "creditCard",
		"cvv", "CVC2", "card.cvv", "ssn", "pin", "card_pin", "cardPin", "sessionID", "JWT", "id_jwt",
	} {
		if !builtIn.key(name) {
			t.Errorf("%s names no secret", name)
		}
	}
	for _, name := range []string{
		"", "_", "7", "order", "order_id", "tokens", "token_count", "tokenizer", "prompt_tokens", "max_token_len", "pagination_token", "pageToken",
		"nextToken", "shipping", "spin", "mapping", "pinned", "password_changed_at", "secretary", "cookie_count", "correlation_id", "session",
		"key", "keyboard", "monkey", "region", "duration", "version", "cardinality", "discard", "wizard", "keyword", "lossn", "access_key_id", "token 12",
	} {
		if builtIn.key(name) {
			t.Errorf("%s names a secret", name)
		}
	}
	r := newRedactor(Redaction{Keys: []string{"IBAN", "national-id", "page_token", "x", ""}})
	for name, want := range map[string]bool{
		"iban": true, "customerIBAN": true, "customer.iban": true, "caliban": false, "NationalID": true, "usernationalid": true,
		"page_token": true, "next_token": false, "x": true, "axisX": true, "max": false, "password": true,
	} {
		if r.key(name) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
}

func TestPatternsAreAdded(t *testing.T) {
	r := newRedactor(Redaction{Patterns: []*regexp.Regexp{regexp.MustCompile(`c-\d*`), nil, regexp.MustCompile(`z*`)}})
	if got := r.text("c-1 password=x c-22"); got != "[redacted] password=[redacted] [redacted]" {
		t.Error(got)
	}
	if got := r.text("c-1"); got != redacted {
		t.Error(got)
	}
}

func TestOffHidesNothing(t *testing.T) {
	r := newRedactor(Redaction{Off: true, Keys: []string{"iban"}})
	next := slog.NewJSONHandler(io.Discard, nil)
	if r.middleware(next) != slog.Handler(next) {
		t.Error("a handler stands before next")
	}
	if _, changed := r.attr(slog.String("password", "x")); changed || r.key("iban") || r.text("password=hunter2") != "password=hunter2" {
		t.Error("something is hidden")
	}
}

type (
	customer struct {
		Name   string
		Limit  json.Number
		Nested struct {
			ClientSecret string `json:"client_secret"`
		}
	}
	stringer string
	texter   struct{ text string }
	failure  struct{ Password string }
	panicker struct{}
	lazy     struct{ v slog.Value }
)

func (s stringer) String() string             { return "is " + string(s) }
func (s texter) MarshalText() ([]byte, error) { return []byte(s.text), nil }
func (failure) Error() string                 { return "failed" }
func (f failure) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"password": f.Password})
}
func (panicker) MarshalJSON() ([]byte, error) { panic("out of mind") }
func (l lazy) LogValue() slog.Value           { return l.v }

func TestAttributes(t *testing.T) {
	f := func(a slog.Attr, want string) {
		t.Helper()
		clean, changed := builtIn.attr(a)
		if !changed || clean.Value.Kind() == slog.KindLogValuer {
			t.Errorf("%v is unchanged", a)
		}
		var b bytes.Buffer
		l := slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(g []string, a slog.Attr) slog.Attr {
			if len(g) == 0 && (a.Key == "time" || a.Key == "level" || a.Key == "msg") {
				return slog.Attr{}
			}
			return a
		}}))
		l.Info("", clean)
		if got := strings.TrimSpace(b.String()); got != want {
			t.Errorf("%v\n got %s\nwant %s", a, got, want)
		}
	}
	f(slog.String("password", "x"), `{"password":"[redacted]"}`)
	f(slog.Int("pin", 1234), `{"pin":"[redacted]"}`)
	f(slog.Any("token", []string{"x"}), `{"token":"[redacted]"}`)
	f(slog.Any("token", Secret("x")), `{"token":"[redacted]"}`)
	f(slog.String("note", "password=hunter2"), `{"note":"password=[redacted]"}`)
	f(slog.Group("credentials", "user", "bob"), `{"credentials":"[redacted]"}`)
	f(slog.Group("g", "a", 1, slog.Group("h", "password", "x", "b", 2)), `{"g":{"a":1,"h":{"password":"[redacted]","b":2}}}`)
	f(slog.Any("v", lazy{slog.GroupValue(slog.String("password", "x"))}), `{"v":{"password":"[redacted]"}}`)
	f(slog.Any("v", lazy{slog.StringValue("plain")}), `{"v":"plain"}`)
	f(slog.Any("e", fmt.Errorf("dial: %w", errors.New("redis://:pw@h"))), `{"e":"dial: redis://:[redacted]@h"}`)
	f(slog.Any("e", failure{"hunter2"}), `{"e":"failed"}`)
	f(slog.Any("s", stringer("Bearer abc123")), `{"s":"is Bearer [redacted]"}`)
	f(slog.Any("s", texter{"Bearer abc123"}), `{"s":"Bearer [redacted]"}`)
	f(slog.Any("b", []byte("password=x")), `{"b":"`+base64.StdEncoding.EncodeToString([]byte("password=[redacted]"))+`"}`)
	f(slog.Any("r", json.RawMessage(`{"z":12345678901234567890.10,"a":"<b>","pwd":"x"}`)), `{"r":{"z":12345678901234567890.10,"a":"<b>","pwd":"[redacted]"}}`)
	f(slog.Any("m", map[string]any{"k": map[string][]string{"Authorization": {"x"}}, "n": 1}), `{"m":{"k":{"Authorization":"[redacted]"},"n":1}}`)
	f(slog.Any("m", []any{map[string]any{"t": `{"password":"a\"b"}`, "u": "é\n\"", "password": nil}}),
		`{"m":[{"password":null,"t":"{\"password\":\"[redacted]\"}","u":"é\n\""}]}`)
	f(slog.Any("m", map[string]int{"Bearer abc123": 1}), `{"m":{"Bearer [redacted]":1}}`)
	a := customer{Name: "bob", Limit: "1.50"}
	a.Nested.ClientSecret = "x"
	f(slog.Any("a", &a), `{"a":{"Name":"bob","Limit":1.50,"Nested":{"client_secret":"[redacted]"}}}`)
}

func TestAttributesWithoutSecretsSurvive(t *testing.T) {
	loop := map[string]any{}
	loop["password"] = loop
	for _, a := range []slog.Attr{
		slog.Int64("order", 4111111111111111), slog.Uint64("n", 1), slog.Float64("f", 1.5), slog.Bool("has_password", true), slog.String("password", ""),
		slog.Any("password", nil), slog.Any("x", nil), slog.Duration("d", time.Second), slog.Time("t", time.Now()), slog.Any("e", io.EOF),
		slog.Any("waybill.outcome", &declaration{}), slog.Any("a", customer{Limit: "1"}), slog.Any("p", panicker{}), slog.Any("l", loop),
		slog.Any("f", func() {}), slog.Any("s", stringer("a")), slog.Any("u", &url.URL{Host: "a"}), slog.Any("b", []byte("abcdefgh")), slog.Group("g", "a", 1),
		slog.Any("nil", (*texter)(nil)), slog.String("token", redacted),
	} {
		if got, changed := builtIn.attr(a); changed {
			t.Errorf("%v became %v", a, got)
		}
	}
}

func TestARedactedErrorKeepsItsTypesName(t *testing.T) {
	cause := &url.Error{Op: "Get", URL: "https://u:hunter2@h", Err: io.EOF}
	a, _ := builtIn.attr(slog.Any("error", cause))
	err, ok := a.Value.Any().(redactedError)
	if !ok || err.typeName() != "*url.Error" || errors.Unwrap(err) != nil || strings.Contains(fmt.Sprintf("%+v %#v", err, err), "hunter2") {
		t.Errorf("%#v", a.Value.Any())
	}
}

func TestGroupsNestedTooDeeplyAreMarked(t *testing.T) {
	a := slog.String("note", "password=hunter2")
	for range maxGroups + 2 {
		a = slog.Group("g", a)
	}
	clean, _ := builtIn.attr(a)
	if s := clean.String(); !strings.Contains(s, tooDeep) || strings.Contains(s, "hunter2") {
		t.Error(s)
	}
}

func TestAGroupNamedAsASecretIsOne(t *testing.T) {
	var b bytes.Buffer
	l := slog.New(slogmulti.Pipe(builtIn.middleware).Handler(slog.NewJSONHandler(&b, nil)))
	l.WithGroup("credentials").With("a", "one").WithGroup("b").Info("m", "c", "two", "d", 3)
	if got := b.String(); strings.Contains(got, "one") || strings.Contains(got, "two") || strings.Contains(got, "3}") {
		t.Error(got)
	}
}

func TestTheMiddlewareIsAHandlerOfSlog(t *testing.T) {
	var b bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		b.Reset()
		return builtIn.middleware(slog.NewJSONHandler(&b, nil))
	}, func(t *testing.T) map[string]any {
		m := map[string]any{}
		if err := json.Unmarshal(b.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		return m
	})
}

func TestARedactedRecordKeepsTheRest(t *testing.T) {
	var got slog.Record
	h := builtIn.middleware(recorder{&got})
	r := slog.NewRecord(time.Unix(1, 2), slog.LevelWarn, "m", 7)
	for i := range 9 {
		r.AddAttrs(slog.Int("a"+strconv.Itoa(i), i))
		if i%3 == 1 {
			r.AddAttrs(slog.String("password", "x"))
		}
	}
	if err := h.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var keys []string
	got.Attrs(func(a slog.Attr) bool { keys = append(keys, a.String()); return true })
	want := "a0=0 a1=1 password=[redacted] a2=2 a3=3 a4=4 password=[redacted] a5=5 a6=6 a7=7 password=[redacted] a8=8"
	if strings.Join(keys, " ") != want || !got.Time.Equal(r.Time) || got.Level != r.Level || got.Message != "m" || got.PC != 7 {
		t.Errorf("%v %v", got, keys)
	}
}

type recorder struct{ r *slog.Record }

func (recorder) Enabled(context.Context, slog.Level) bool        { return true }
func (h recorder) Handle(_ context.Context, r slog.Record) error { *h.r = r; return nil }
func (h recorder) WithAttrs([]slog.Attr) slog.Handler            { return h }
func (h recorder) WithGroup(string) slog.Handler                 { return h }

// secrets are n different ones, of all kinds that texts show.
func secrets(n int) []string {
	rnd := rand.New(rand.NewPCG(7, 692))
	word := func(size int, from string) string {
		b := make([]byte, size)
		for i := range b {
			b[i] = from[rnd.IntN(len(from))]
		}
		return string(b)
	}
	const digits, uppers = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	const all = digits + uppers + "abcdefghijklmnopqrstuvwxyz"
	var out []string
	for i := range n {
		switch i % 10 {
		case 0:
			out = append(out, "ghp_1"+word(35, all))
		case 1:
			out = append(out, "AKIA"+word(16, uppers+"234567"))
		case 2:
			out = append(out, "AIza"+word(35, all+"-_"))
		case 3:
			out = append(out, "xoxb-"+word(12, digits)+"-"+word(24, all))
		case 4:
			out = append(out, "sk_live_9"+word(24, all))
		case 5:
			out = append(out, "eyJ"+word(20, all)+"."+word(40, all)+"."+word(43, all+"-_"))
		case 6:
			for {
				number := "4" + word(15, digits)
				digit := make([]byte, 16)
				for i := range digit {
					digit[i] = number[i] - '0'
				}
				if luhn(digit) {
					out = append(out, number)
					break
				}
			}
		case 7:
			out = append(out, "Bearer 1"+word(30, all+"-_."))
		case 8:
			out = append(out, "password=1"+word(20, all+"!$%/+"))
		case 9:
			out = append(out, "https://u:1"+word(20, all+"!$%+")+"@host/")
		}
	}
	return out
}

func TestNoCanaryEscapes(t *testing.T) {
	var b, inText bytes.Buffer
	pipe := slogmulti.Pipe(builtIn.middleware).Handler(slogmulti.Fanout(slog.NewJSONHandler(&b, nil), slog.NewTextHandler(&inText, nil)))
	log := slog.New(pipe)
	for _, s := range secrets(50) {
		bare := s[strings.LastIndexAny(s, " =:")+1:]
		bare = strings.TrimSuffix(bare, "@host/")
		type boxed struct {
			Text     string `json:"text"`
			Password string
			List     []any
		}
		before := b.Len()
		log.Info("got " + s + " here")
		log.Info("m", "note", s)
		log.Info("m", "password", bare)
		log.Info("m", "error", fmt.Errorf("call: %w", errors.New(s)))
		log.Info("m", "v", boxed{s, bare, []any{s, map[string]any{"token": bare}}})
		log.Info("m", "v", &boxed{Password: bare})
		log.Info("m", "v", map[string]string{"api_key": bare, "text": s})
		log.Info("m", slog.Group("a", slog.Group("b", "note", s, "pwd", bare)))
		log.Info("m", "v", []byte(s))
		log.Info("m", "v", stringer(s))
		log.Info("m", "v", texter{s})
		log.Info("m", "v", lazy{slog.StringValue(s)})
		log.Info("m", "v", Secret(bare), "w", []Secret{Secret(bare)}, "x", struct{ S Secret }{Secret(bare)})
		log.Info(fmt.Sprintf("%v %+v %#v %s %q %x %d", Secret(bare), Secret(bare), Secret(bare), Secret(bare), Secret(bare), Secret(bare), Secret(bare)))
		log.With("note", s, "secret", bare).WithGroup("g").With("v", map[string]any{"Cookie": bare}).Info("m")
		log.WithGroup("credentials").Info("m", "v", bare)
		log.Info("m", "body", `{"user":"a","password":"`+bare+`","n":1}`)
		if n := bytes.Count(b.Bytes()[before:], []byte("\n")); n != 17 {
			t.Fatalf("%d records", n)
		}
		for _, out := range []string{b.String(), inText.String()} {
			if strings.Contains(out, bare) || strings.Contains(out, base64.StdEncoding.EncodeToString([]byte(s))) {
				at := max(0, strings.Index(out, bare))
				t.Errorf("%s escaped: %s", s, out[max(0, at-80):min(len(out), at+80)])
			}
		}
		b.Reset()
		inText.Reset()
	}
}

func TestASecretShowsItselfNowhere(t *testing.T) {
	s := Secret("hunter2")
	b, err := json.Marshal(map[string]any{"a": s, "b": &s, "c": []Secret{s}})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := s.MarshalText()
	for _, shown := range []string{
		string(b), string(text), s.String(), s.GoString(), s.LogValue().String(), fmt.Sprint(s), fmt.Sprintf("%10s|%-5v|%08b|%T", s, &s, s, s),
		fmt.Sprintf("%+v", struct{ S Secret }{s}), fmt.Errorf("x: %s", s).Error(),
	} {
		if strings.Contains(shown, "hunter2") {
			t.Error(shown)
		}
	}
	if s.Reveal() != "hunter2" {
		t.Error("not revealed")
	}
}

func TestACleanRecordCostsNoAllocation(t *testing.T) {
	h := builtIn.middleware(slog.DiscardHandler)
	ctx, r := t.Context(), cleanRecord()
	if n := testing.AllocsPerRun(100, func() { _ = h.Handle(ctx, r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { builtIn.key("Customer.Region-Name") }); n != 0 {
		t.Errorf("%v allocations for a key", n)
	}
	const text = "retry=5: GET https://a:80/x?b=c took 12.5ms; basic x_y-z AB eyJ 4111111111111112"
	if n := testing.AllocsPerRun(100, func() { builtIn.text(text) }); n != 0 {
		t.Errorf("%v allocations for a text", n)
	}
}

// TestLongTextsTakeLinearTime gives texts that would be walked over again and
// again: quadratic time is hours here.
func TestLongTextsTakeLinearTime(t *testing.T) {
	const size = 1 << 20
	for _, part := range []string{
		"a", "1", "4 ", "4111-", "4111 1111 ", "eyJ", "eyJ-", "eyJa.", "ghp_", "xoxb-", "://", "://a:", "a://b:c/", "@tcp(", "Bearer ", "basic ", "Basic a/",
		"-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "token=", "token:[", "token: {", `token="`, `token=\"`, `\"`, `"token":`, "cookie: ", "cookie: =\"", "cookie=a; ",
		"_=", " :", "token: a ", "password ", "AKIA", "AIza", "-", "_", "=", ":", "@", "token: \"-\" ", "authorization: digest ",
	} {
		s := strings.Repeat(part, size/len(part))
		start := time.Now()
		builtIn.text(s)
		builtIn.text(strings.Repeat("password=x1 ", 100) + s)
		if took := time.Since(start); took > time.Minute {
			t.Errorf("%q: %v", part, took)
		}
	}
}

func FuzzRedactText(f *testing.F) {
	for _, s := range secrets(20) {
		f.Add(s)
		f.Add(`{"a":"` + s + `",\"token\":[` + s)
	}
	f.Add(testPEM)
	f.Add(`Authorization: Digest a="b" ; cookie=x; y "pin": 5}`)
	f.Fuzz(func(t *testing.T, s string) {
		once := builtIn.text(s)
		if twice := builtIn.text(once); twice != once {
			t.Errorf("%q\n once %q\ntwice %q", s, once, twice)
		}
		if b, err := json.Marshal(s); err == nil {
			if out, changed := builtIn.json(string(b)); changed && !json.Valid(out) {
				t.Errorf("%s is no JSON", out)
			}
		}
	})
}

func cleanRecord() slog.Record {
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "order accepted, waiting for the warehouse", 0)
	r.AddAttrs(slog.String("order", "o-12345"), slog.String("customer", "c-77"), slog.Int("items", 3),
		slog.String("region", "eu-west-1"), slog.Duration("took", time.Millisecond))
	return r
}

func BenchmarkRedactClean(b *testing.B) {
	r := cleanRecord()
	b.Run("message", func(b *testing.B) {
		for b.Loop() {
			builtIn.text(r.Message)
		}
	})
	b.Run("key", func(b *testing.B) {
		for b.Loop() {
			builtIn.key("customer_region")
		}
	})
	b.Run("texts", func(b *testing.B) {
		for b.Loop() {
			builtIn.text(r.Message)
			builtIn.text("o-12345")
			builtIn.text("c-77")
			builtIn.text("eu-west-1")
			builtIn.text("POST")
			builtIn.text("created")
		}
	})
	b.Run("record", func(b *testing.B) {
		b.ReportAllocs()
		h := &redact{next: slog.DiscardHandler, by: builtIn}
		ctx := b.Context()
		for b.Loop() {
			_ = h.Handle(ctx, r)
		}
	})
}
