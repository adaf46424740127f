package instrument

import (
	"encoding/base64"
	"strings"
)

// How secrets look inside a text. Every log call pays for finding them, so it is
// one walk by hand that stops only at bytes some secret must have:
//
//	password=…  "password":"…"  ://user:…@  user:…@tcp(     = : @
//	Bearer …  Basic …                                       B b
//	AKIA…  AIza…  eyJ….….…                                 A J
//	ghp_…  sk_live_…  xoxb-…  -----BEGIN … PRIVATE KEY      _ -
//	4111 1111 1111 1111                                     0-9
//
// Nothing is looked at more than a fixed number of times, however long the text is.
const shortestSecret = len("pwd=x")

const (
	markPair = iota + 1
	markHost
	markScheme
	markCapital
	markJWT
	markPrefix
	markDigit
)

var marks = [256]uint8{
	'=': markPair, ':': markPair, '@': markHost, 'B': markScheme, 'b': markScheme, 'A': markCapital, 'J': markJWT,
	'_': markPrefix, '-': markPrefix, '0': markDigit, '1': markDigit, '2': markDigit, '3': markDigit, '4': markDigit,
	'5': markDigit, '6': markDigit, '7': markDigit, '8': markDigit, '9': markDigit,
}

// replace returns s with its secrets replaced: s itself where it has none.
func (r *redactor) replace(s string) string {
	var out []byte
	done := 0
	for i := 0; i < len(s); i++ {
		mark := marks[s[i]]
		if mark == 0 {
			continue
		}
		var from, to int
		as := redacted
		switch mark {
		case markDigit:
			if i > 0 && marks[s[i-1]] == markDigit {
				continue
			}
			from, to = i, card(s, i)
		case markPair:
			if strings.HasPrefix(s[i:], "://") {
				from, to = userinfo(s, i+3)
			} else {
				from, to, as = r.pair(s, i)
			}
		case markHost:
			from, to = dsn(s, i)
		case markScheme:
			from, to = scheme(s, i)
		case markCapital:
			from, to = i, amazonOrGoogle(s, i)
		case markJWT:
			from, to = i-2, jwt(s, i-2)
		case markPrefix:
			if from, to = prefixed(s, i); to == 0 {
				from, to = i, pem(s, i)
			}
		}
		if to == 0 || from < done {
			continue
		}
		if s[from:to] != as {
			out = append(append(out, s[done:from]...), as...)
			done = to
		}
		i = max(i, to-1) // what stands before an @ ends there
	}
	if out == nil {
		return s
	}
	return string(append(out, s[done:]...))
}

// pair finds the value of key=value, key: value, "key":"value" at s[i], the = or :.
func (r *redactor) pair(s string, i int) (from, to int, as string) {
	if i+1 < len(s) && (s[i+1] == '=' || s[i+1] == ':') { // a == b, a := b, a::b
		return 0, 0, ""
	}
	end := i
	for end > 0 && s[end-1] == ' ' && i-end < 2 {
		end--
	}
	name := end
	if end > 0 && isQuote(s[end-1]) {
		for name--; name > 0 && s[name-1] == '\\'; name-- {
		}
	}
	quotes := s[name:end] // with the backslashes of JSON in JSON
	word := r.word(s[:name])
	if word == nil {
		return 0, 0, ""
	}
	from = i + 1
	if s[i] == '=' && from < len(s) && s[from] == '>' {
		from++
	}
	spaced := from < len(s) && s[from] == ' '
	from = skipSpace(s, from)
	open := from
	for open < len(s) && s[open] == '\\' {
		open++
	}
	if open < len(s) && isQuote(s[open]) {
		to = closing(s, open+1, s[open], open-from)
		from = open + 1
		if !shown(s[from:to]) {
			return 0, 0, ""
		}
		return from, to, redacted
	}
	sentence := s[i] == ':' && spaced && quotes == ""
	list := opens(s, from)
	if list && sentence {
		return 0, 0, ""
	}
	to = plainEnd(s, from)
	header := !list && (word.text == "authorization" || strings.HasPrefix(word.text, "cookie"))
	if word.text == "authorization" && isScheme(s[from:to]) {
		if next := skipSpace(s, to); next > to && next < len(s) && !isQuote(s[next]) {
			header = lower(s[from]) == 'd'               // Digest has several parts
			sentence = sentence && lower(s[from]) == 't' // Token is a word, too
			from, to = next, plainEnd(s, next)
		}
	}
	if sentence && prose(s, from, to) {
		return 0, 0, ""
	}
	if header {
		to = headerEnd(s, to, s[i] == ':')
	}
	switch s[from:to] {
	case "", "null", "nil", "<nil>", "true", "false", "None":
		return 0, 0, ""
	}
	if !shown(s[from:to]) {
		return 0, 0, ""
	}
	return from, to, quotes + redacted + quotes
}

// closing returns where the text from s[i] ends that a quote opened behind n
// backslashes: 0, and 1 or 3 where JSON is inside JSON.
func closing(s string, i int, quote byte, n int) int {
	for before := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			before++
			continue
		case s[i] == quote && (before < n || before%(2*(n+1)) == n):
			return i - min(before, n)
		}
		before = 0
	}
	return len(s)
}

func opens(s string, i int) bool { return i < len(s) && (s[i] == '[' || s[i] == '{') }

// balanced returns the end of what the bracket at s[i] opens. What never closes
// was cut: all of it is taken.
func balanced(s string, i int) int {
	for depth := 0; i < len(s); i++ {
		switch s[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			escapes := 0
			for s[i-1-escapes] == '\\' {
				escapes++
			}
			i = closing(s, i+1, '"', escapes) + escapes
		}
	}
	return len(s)
}

// plainEnd returns the end of the unquoted value, or list of them, at s[i].
func plainEnd(s string, i int) int {
	if opens(s, i) {
		i = balanced(s, i)
	}
	known := i
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c <= ' ', c == ',', c == ';', c == '&', isQuote(c):
		case c == '\\' && i+1 < len(s) && (isQuote(s[i+1]) || strings.IndexByte(`\nrt`, s[i+1]) >= 0):
		default:
			continue
		}
		break
	}
	for i > known && strings.IndexByte(")]}>", s[i-1]) >= 0 {
		i--
	}
	return i
}

// headerEnd extends the value of a header that ends at s[i] by the rest of its
// line, or without a colon by what follows semicolons.
func headerEnd(s string, i int, line bool) int {
	for i < len(s) {
		switch c := s[i]; {
		case c == '\n' || c == '\r':
			return i
		case c == '\\' && i+1 < len(s) && (s[i+1] == 'n' || s[i+1] == 'r' || isQuote(s[i+1])):
			return i
		case isQuote(c):
			if s[i-1] != '=' {
				return i
			}
			i = closing(s, i+1, c, 0)
		case !line && c == ';' && i+1 < len(s) && s[i+1] == ' ':
			i = plainEnd(s, i+2)
			continue
		case !line:
			return i
		}
		i++
	}
	return len(s)
}

func isScheme(s string) bool {
	switch len(s) {
	case 5, 6, 7, 9:
		switch strings.ToLower(s) {
		case "basic", "oauth", "token", "bearer", "apikey", "digest", "negotiate":
			return true
		}
	}
	return false
}

// prose reports whether s[from:to], which follows a secret's name and a colon, is
// a word of a sentence: "read secret: open file", "token: expired".
func prose(s string, from, to int) bool {
	word := strings.TrimRight(s[from:to], ".:!?")
	if !isPlain(word) {
		return false
	}
	switch strings.ToLower(word) {
	case "absent", "bad", "changed", "denied", "disabled", "empty", "enabled", "eof", "expired", "failed", "forbidden",
		"invalid", "malformed", "mismatch", "missing", "nil", "no", "none", "null", "ok", "rejected", "required", "reset",
		"revoked", "set", "unauthorized", "unknown", "unset", "unsupported", "updated", "wrong", "yes":
		return true
	}
	if to >= len(s)-1 || s[to] != ' ' {
		return false
	}
	next, _, _ := strings.Cut(s[to+1:min(len(s), to+64)], " ")
	name, isKey := strings.CutSuffix(next, ":")
	return next != "" && !strings.Contains(next, "=") && (!isKey || run(name, 0) < len(name))
}

// isPlain reports whether s is written as words are: one case, but for the first letter.
func isPlain(s string) bool {
	if len(s) == 0 || len(s) > 20 || !isLetter(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isLetter(s[i]) || isUpper(s[i]) != isUpper(s[len(s)-1]) || isUpper(s[i]) && !isUpper(s[0]) {
			return false
		}
	}
	return true
}

// shown reports whether s has a letter or digit: asterisks hide a secret already.
func shown(s string) bool {
	for i := range len(s) {
		if isLetter(s[i]) || isDigit(s[i]) || s[i] >= 0x80 {
			return true
		}
	}
	return false
}

// userinfo finds the password of a URL whose authority begins at s[i]. Passwords
// with an unescaped slash are found too, unless they look like a port.
func userinfo(s string, i int) (from, to int) {
	colon, slash := 0, 0
	if i < len(s) && s[i] == '[' {
		return 0, 0
	}
walk:
	for ; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'', '`', '<', '>', '\\':
			break walk
		case ':':
			if strings.HasPrefix(s[i:], "://") { // the next URL: keeps this linear
				break walk
			}
			if colon == 0 && slash == 0 {
				colon = i + 1
			}
		case '/', '?', '#':
			if slash == 0 {
				slash = i
				if colon == 0 || to != 0 || strings.Trim(s[colon:slash], "0123456789") == "" {
					break walk
				}
			}
		case '@':
			to = i
			if slash != 0 {
				break walk
			}
		default:
			if c <= ' ' {
				break walk
			}
		}
	}
	if colon == 0 || to <= colon {
		return 0, 0
	}
	return colon, to
}

// dsn finds the password of user:password@tcp(host:3306)/name, whose @ is s[i].
func dsn(s string, i int) (from, to int) {
	if !strings.HasPrefix(s[i:], "@tcp(") && !strings.HasPrefix(s[i:], "@unix(") {
		return 0, 0
	}
	at := i
	for at > 0 && i-at < 256 && s[at-1] > ' ' && !isQuote(s[at-1]) {
		at--
	}
	if n := strings.IndexByte(s[at:i], ':'); n >= 0 && at+n+1 < i {
		return at + n + 1, i
	}
	return 0, 0
}

// scheme finds the credentials after Bearer or Basic at s[i]. A word of a
// sentence, as in "bearer of news", is none.
func scheme(s string, i int) (from, to int) {
	if i+1 >= len(s) || lower(s[i+1]) != 'e' && lower(s[i+1]) != 'a' || i > 0 && isWord(s[i-1]) {
		return 0, 0
	}
	bearer := len(s) > i+7 && strings.EqualFold(s[i:i+7], "bearer ")
	if !bearer && (len(s) <= i+6 || !strings.EqualFold(s[i:i+6], "basic ")) {
		return 0, 0
	}
	from = skipSpace(s, i+6)
	digits, uppers, lowers := 0, 0, 0
	for to = from; to < len(s); to++ {
		switch c := s[to]; {
		case isDigit(c):
			digits++
			continue
		case isUpper(c):
			if to > from {
				uppers++
			}
			continue
		case isLetter(c):
			lowers++
			continue
		case c == '+', c == '/', c == '=':
			continue
		case bearer && (c == '.' || c == '_' || c == '~' || c == '-'):
			continue
		}
		break
	}
	n := to - from
	switch {
	case bearer && (digits > 0 && n >= 4 || uppers > 0 && lowers > 0 && n >= 8):
		return from, to
	case !bearer && n >= 16 && digits > 0 && uppers > 0 && lowers > 0:
		return from, to
	case !bearer && n >= 8:
		b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(s[from:to], "="))
		if err == nil && strings.IndexByte(string(b), ':') >= 0 {
			return from, to
		}
	}
	return 0, 0
}

// jwt finds the end of a JSON web token, signed or encrypted, that begins at s[i].
func jwt(s string, i int) (to int) {
	if i < 0 || s[i:i+3] != "eyJ" || i > 0 && isToken(s[i-1]) {
		return 0
	}
	to = run(s, i)
	for parts := 1; ; parts++ {
		if parts == 5 || to >= len(s)-1 || s[to] != '.' || !isToken(s[to+1]) {
			if parts < 2 || to-i < 16 {
				return 0
			}
			return to
		}
		to = run(s, to+1)
	}
}

// amazonOrGoogle finds the end of an AWS access key ID or a Google API key that begins at s[i].
func amazonOrGoogle(s string, i int) (to int) {
	if i > 0 && isWord(s[i-1]) || len(s) < i+20 {
		return 0
	}
	switch s[i : i+4] {
	case "AKIA", "ASIA":
		for to = i + 4; to < len(s) && (isUpper(s[to]) || isDigit(s[to])); to++ {
			if to == i+20 {
				return 0
			}
		}
		if to == i+20 && (to == len(s) || !isWord(s[to])) {
			return to
		}
	case "AIza":
		if to = run(s, i); to >= i+4+35 {
			return to
		}
	}
	return 0
}

// prefixed finds a token whose maker marks it: s[i] is the last byte of the mark.
func prefixed(s string, i int) (from, to int) {
	if i < 3 || i+1 >= len(s) || !isWord(s[i+1]) {
		return 0, 0
	}
	switch before := s[:i]; {
	case s[i] == '_' && s[i-3] == 'g' && s[i-2] == 'h' && strings.IndexByte("pousr", s[i-1]) >= 0: // GitHub
		from = i - 3
	case s[i] == '_' && s[i-1] != 'e' && s[i-1] != 't':
		return 0, 0
	case s[i] == '_' && strings.HasSuffix(before, "github_pat"):
		from = i - len("github_pat")
	case s[i] == '_' && (strings.HasSuffix(before, "k_live") || strings.HasSuffix(before, "k_test")): // Stripe
		if from = i - len("sk_live"); from < 0 || s[from] != 's' && s[from] != 'r' {
			return 0, 0
		}
	case s[i] == '-' && i >= 4 && s[i-4:i-1] == "xox": // Slack
		from = i - 4
	case s[i] == '-' && strings.HasSuffix(before, "glpat"): // GitLab
		from = i - len("glpat")
	default:
		return 0, 0
	}
	if from > 0 && (isLetter(s[from-1]) || isDigit(s[from-1])) {
		return 0, 0
	}
	digits := false
	for to = i + 1; to < len(s) && isToken(s[to]); to++ {
		if digits = digits || isDigit(s[to]); !digits && to-i == 64 {
			return 0, 0
		}
	}
	if to-i <= 10 || !digits {
		return 0, 0
	}
	return from, to
}

// pem finds the end of a private key whose first dash is s[i]; one without an end was cut.
func pem(s string, i int) (to int) {
	const begin = "-----BEGIN "
	if s[i] != '-' || !strings.HasPrefix(s[i:], begin) {
		return 0
	}
	i += len(begin)
	n := strings.Index(s[i:min(len(s), i+64)], "-----")
	if n < 0 || !strings.Contains(s[i:i+n], "PRIVATE KEY") {
		return 0
	}
	i += n + 5
	n = strings.Index(s[i:], "-----END ")
	if n < 0 {
		return len(s)
	}
	i += n + len("-----END ")
	if n = strings.Index(s[i:min(len(s), i+64)], "-----"); n < 0 {
		return len(s)
	}
	return i + n + 5
}

// run returns the end of the letters, digits, - and _ from s[i].
func run(s string, i int) int {
	for i < len(s) && isToken(s[i]) {
		i++
	}
	return i
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

func lower(c byte) byte {
	if isUpper(c) {
		c += 'a' - 'A'
	}
	return c
}

func isUpper(c byte) bool     { return c-'A' < 26 }
func isLetter(c byte) bool    { return c|0x20-'a' < 26 }
func isDigit(c byte) bool     { return c-'0' < 10 }
func isWord(c byte) bool      { return isLetter(c) || isDigit(c) || c == '_' }
func isToken(c byte) bool     { return isLetter(c) || isDigit(c) || c == '_' || c == '-' }
func isQuote(c byte) bool     { return c == '"' || c == '\'' || c == '`' }
func isSeparator(c byte) bool { return c == '-' || c == '_' || c == '.' || c == ' ' }
