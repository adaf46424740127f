package instrument

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Redaction says what is hidden before a record leaves a log call. Its zero
// value hides what the built-in rules find: values under keys such as password,
// and tokens, keys and card numbers wherever they stand in a text.
type Redaction struct {
	Off bool // hides nothing, whatever the other fields are

	// Keys are more names of secrets, as the end of a key: "iban" is also
	// CustomerIBAN and customer.iban. Case and -, _, . and spaces do not count. A
	// name of up to four letters must be a whole word of the key. nil: none more.
	Keys []string

	// Patterns hide what they match in messages and values, beside the built-in
	// rules. Each costs its run on every text of every record. nil: none more.
	Patterns []*regexp.Regexp
}

const (
	redacted = "[redacted]"
	tooDeep  = "[nested too deeply]"
	tooMany  = "[too many groups]"
)

// redactor hides secrets. The nil redactor hides nothing. Safe for concurrent use.
type redactor struct {
	words    [32][32][]keyWord // by the last two letters
	patterns []*regexp.Regexp
}

// keyWord ends the keys of secrets.
type keyWord struct {
	text     string
	third    byte // last letter; 0: it has but two
	whole    bool // must be a word of its own: pin is not the end of shipping
	harmless bool // a longer word which ends in another, and is none
}

// secretWords are lower-case letters only. Counts such as prompt_tokens are no secrets.
var secretWords = strings.Fields(`
	password passwords passwd passphrase passcode pwd passwordhash pin otp
	secret secrets clientsecret credential credentials token authtoken bearer jwt
	authorization cookie cookies sessionid sessionkey
	apikey apikeys accesskey secretkey privatekey signingkey encryptionkey masterkey accountkey authkey
	amzsignature googsignature
	cardnumber creditcard creditcardnumber cvv cvc ssn`)

// harmlessWords name positions in lists.
var harmlessWords = strings.Fields(`pagetoken paginationtoken nexttoken continuetoken continuationtoken cancellationtoken`)

func newRedactor(rules Redaction) *redactor {
	if rules.Off {
		return nil
	}
	r := &redactor{}
	for _, name := range rules.Keys {
		if text := fold(name); text != "" {
			r.addWord(keyWord{text: text, whole: len(text) <= 4})
		}
	}
	for _, text := range harmlessWords {
		r.addWord(keyWord{text: text, harmless: true})
	}
	for _, text := range secretWords {
		r.addWord(keyWord{text: text, whole: len(text) <= 4 && text != "pwd"})
	}
	for _, p := range rules.Patterns {
		if p != nil {
			r.patterns = append(r.patterns, p)
		}
	}
	return r
}

// addWord adds w behind the words that are asked first.
func (r *redactor) addWord(w keyWord) {
	last := w.text[len(w.text)-1] & 31
	if len(w.text) == 1 {
		for before := range r.words[last] {
			r.words[last][before] = append(r.words[last][before], w)
		}
		return
	}
	before := w.text[len(w.text)-2] & 31
	if len(w.text) > 2 {
		w.third = w.text[len(w.text)-3]
	}
	r.words[last][before] = append(r.words[last][before], w)
}

// fold is name as keyWord spells it.
func fold(name string) string {
	var b []byte
	for i := range len(name) {
		if !isSeparator(name[i]) {
			b = append(b, lower(name[i]))
		}
	}
	return strings.TrimRight(string(b), "0123456789")
}

// key reports whether the value under name is secret.
func (r *redactor) key(name string) bool { return r != nil && r.word(name) != nil }

// word returns the word at the end of name, less a number; nil: no secret is
// named. It reads no further back than a word reaches, so name may be a long text.
func (r *redactor) word(name string) *keyWord {
	end := len(name)
	for end > 0 && isSeparator(name[end-1]) {
		end--
	}
	if end > 0 && isDigit(name[end-1]) {
		for end > 0 && isDigit(name[end-1]) {
			end--
		}
		if end > 0 && name[end-1] == ' ' { // "token 12: x"
			return nil
		}
	}
	var tail [3]byte
	for n, at := 0, end-1; n < len(tail) && at >= 0; at-- {
		if c := name[at]; !isSeparator(c) {
			tail[n] = lower(c)
			n++
		}
	}
	words := r.words[tail[0]&31][tail[1]&31]
	for i := range words {
		w := &words[i]
		if (w.third == tail[2] || w.third == 0) && w.ends(name[:end]) {
			if w.harmless {
				return nil
			}
			return w
		}
	}
	return nil
}

func (w *keyWord) ends(name string) bool {
	at := len(name)
	for i := len(w.text) - 1; i >= 0; i-- {
		at--
		for at >= 0 && isSeparator(name[at]) {
			at--
		}
		if at < 0 || lower(name[at]) != w.text[i] {
			return false
		}
	}
	return !w.whole || at == 0 || !isLetter(name[at-1]) || isUpper(name[at]) && !isUpper(name[at-1])
}

// text returns s without its secrets: s itself where it has none.
func (r *redactor) text(s string) string {
	if r == nil {
		return s
	}
	if len(s) >= shortestSecret {
		s = r.replace(s)
	}
	for _, p := range r.patterns {
		if p.MatchString(s) {
			s = p.ReplaceAllStringFunc(s, func(match string) string {
				if match == "" {
					return ""
				}
				return redacted
			})
		}
	}
	return s
}

// attr returns a without its secrets, and whether that is another attribute. A
// slog.LogValuer always is: what was looked at is what must be shown. Numbers are
// judged by their keys alone, since an ID may well pass for a card's number.
func (r *redactor) attr(a slog.Attr) (slog.Attr, bool) {
	if r == nil {
		return a, false
	}
	groups := 0
	return r.attrAt(a, 0, &groups)
}

// attrAt is attr at a depth of groups, of which some were entered.
func (r *redactor) attrAt(a slog.Attr, depth int, groups *int) (slog.Attr, bool) {
	if r.key(a.Key) {
		return hide(a)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		s := a.Value.String()
		if clean := r.text(s); clean != s {
			return slog.String(a.Key, clean), true
		}
	case slog.KindGroup:
		return r.group(a, depth, groups)
	case slog.KindLogValuer:
		a.Value = a.Value.Resolve()
		a, _ = r.attrAt(a, depth, groups)
		return a, true
	case slog.KindAny:
		if v, changed := r.any(a.Value.Any()); changed {
			return slog.Attr{Key: a.Key, Value: v}, true
		}
	}
	return a, false
}

// plain reports whether a is surely without secrets. It is what most attributes
// cost: to hand them to attrAt and back takes longer than to look at them.
func (r *redactor) plain(a *slog.Attr) bool {
	switch a.Value.Kind() {
	case slog.KindString:
		s := a.Value.String()
		return r.text(s) == s && r.word(a.Key) == nil
	case slog.KindAny, slog.KindGroup, slog.KindLogValuer:
		return false
	}
	return r.word(a.Key) == nil
}

func (r *redactor) group(a slog.Attr, depth int, groups *int) (slog.Attr, bool) {
	members := a.Value.Group()
	if depth == maxDepth {
		return slog.String(a.Key, tooDeep), true
	}
	if *groups++; *groups > maxGroups {
		return slog.String(a.Key, tooMany), true
	}
	var changed bool
	for i, m := range members {
		clean, is := r.attrAt(m, depth+1, groups)
		if !is {
			continue
		}
		if !changed {
			members, changed = slices.Clone(members), true
		}
		members[i] = clean
	}
	if !changed {
		return a, false
	}
	return slog.Attr{Key: a.Key, Value: slog.GroupValue(members...)}, true
}

// hide replaces a's value, unless it says nothing: none, or yes and no.
func hide(a slog.Attr) (slog.Attr, bool) {
	switch v := a.Value; v.Kind() {
	case slog.KindBool:
		return a, false
	case slog.KindString:
		if s := v.String(); s == "" || s == redacted {
			return a, false
		}
	case slog.KindGroup:
		if len(v.Group()) == 0 {
			return a, false
		}
	case slog.KindAny:
		if v.Any() == nil {
			return a, false
		}
	}
	return slog.String(a.Key, redacted), true
}

// any judges a value by its text and by its JSON, whichever a handler may show.
// One that panics or has neither is left for the handler to deal with.
func (r *redactor) any(v any) (clean slog.Value, changed bool) {
	defer func() {
		if recover() != nil {
			clean, changed = slog.Value{}, false
		}
	}()
	var text string
	switch v := v.(type) {
	case nil, *declaration:
		return slog.Value{}, false
	case []byte:
		text = string(v)
		if s := r.text(text); s != text {
			return slog.AnyValue([]byte(s)), true
		}
		return slog.Value{}, false
	case error:
		text = v.Error()
	case fmt.Stringer:
		text = v.String()
	case encoding.TextMarshaler:
		b, err := v.MarshalText()
		if err != nil {
			return slog.Value{}, false
		}
		text = string(b)
	default:
		b, changed := r.marshalled(v)
		return slog.AnyValue(b), changed
	}
	err, isError := v.(error)
	s := r.text(text)
	if s == text {
		if _, ok := v.(json.Marshaler); isError && !ok {
			return slog.Value{}, false
		}
		if _, changed = r.marshalled(v); !changed {
			return slog.Value{}, false
		}
	}
	if isError {
		return slog.AnyValue(redactedError{text: s, of: fmt.Sprintf("%T", err)}), true
	}
	return slog.StringValue(s), true
}

// marshalled is v's JSON without its secrets, and whether it had any.
func (r *redactor) marshalled(v any) (json.RawMessage, bool) {
	switch reflect.TypeOf(v).Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return nil, false
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil, false
	}
	return r.json(strings.TrimSuffix(b.String(), "\n"))
}

// json rewrites compact, valid JSON piece by piece: the order of its keys and the
// digits of its numbers stay.
func (r *redactor) json(s string) (json.RawMessage, bool) {
	var out []byte
	done := 0
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		from, to := i, closing(s, i+1, '"', 0)+1
		text := s[from+1 : to-1]
		if strings.IndexByte(text, '\\') >= 0 && json.Unmarshal([]byte(s[from:to]), &text) != nil {
			text = s[from+1 : to-1]
		}
		i = to - 1
		if clean := r.text(text); clean != text {
			out = append(append(out, s[done:from]...), quote(clean)...)
			done = to
		}
		if to == len(s) || s[to] != ':' || !r.key(text) {
			continue
		}
		from = to + 1
		to = jsonEnd(s, from)
		i = to - 1
		switch s[from:to] {
		case `null`, `true`, `false`, `""`, `[]`, `{}`, `"` + redacted + `"`:
			continue
		}
		out = append(append(out, s[done:from]...), quote(redacted)...)
		done = to
	}
	if out == nil {
		return nil, false
	}
	return append(out, s[done:]...), true
}

// jsonEnd returns the end of the value at s[i].
func jsonEnd(s string, i int) int {
	switch s[i] {
	case '"':
		return closing(s, i+1, '"', 0) + 1
	case '[', '{':
		return balanced(s, i)
	}
	if n := strings.IndexAny(s[i:], ",]}"); n >= 0 {
		return i + n
	}
	return len(s)
}

func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string has JSON
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// redactedError stands for an error whose text had a secret. It has no Unwrap:
// whoever walked the chain would find the secret there.
type redactedError struct {
	text string
	of   string // the error's own type
}

func (e redactedError) Error() string { return e.text }

// typeName is what %T would say of the error itself.
func (e redactedError) typeName() string { return e.of }
