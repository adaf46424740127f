package gateway

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waybill-log/waybill/demo-services/credential"
)

const maxFresh = 24 * time.Hour

// rule says what an address's answers depend on.
type rule struct {
	pass     bool     // they are not kept
	personal bool     // who asks
	vary     []string // headers of the request
}

func (r rule) life() time.Duration {
	if r.pass {
		return passLife
	}
	return ruleLife
}

// key is that of the entry for a request. Parts are quoted, so that no caller
// can write two of them as one.
func (r rule) key(req *http.Request, address string) string {
	var b strings.Builder
	b.WriteString("entry ")
	b.WriteString(strconv.Quote(address))
	if r.personal {
		who, _ := credential.From(req.Context())
		b.WriteString(" by ")
		b.WriteString(strconv.Quote(who.Subject))
		b.WriteString(strconv.Quote(strings.Join(who.Roles, " ")))
	}
	for _, name := range r.vary {
		b.WriteString(" " + name + "=")
		b.WriteString(strconv.Quote(strings.Join(req.Header.Values(name), ",")))
	}
	return b.String()
}

// cacheable reports whether a request may be answered out of the cache.
func cacheable(r *http.Request) bool {
	d := directives(r.Header)
	_, noStore := d["no-store"]
	_, noCache := d["no-cache"]
	return r.Method == http.MethodGet && r.Header.Get("Range") == "" && !noStore && !noCache && d["max-age"] != "0"
}

// ruleOf reads how long an answer stays fresh, and for whom; false: it is not to
// be kept. An answer that does not say public is for who asked only (RFC 9111, 3.5),
// and a private one that nobody asked for is for nobody.
func ruleOf(h http.Header, known bool) (r rule, fresh time.Duration, ok bool) {
	d := directives(h)
	has := func(name string) bool { _, ok := d[name]; return ok }
	switch {
	case has("no-store") || has("no-cache"):
		return rule{pass: true}, 0, false
	case has("private") && !known:
		return rule{personal: true}, 0, false // for others it may be kept
	}
	r.personal = has("private") || !has("public") && !has("s-maxage")
	for _, name := range strings.Split(strings.Join(h.Values("Vary"), ","), ",") {
		switch name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)); name {
		case "":
		case "*":
			return rule{pass: true}, 0, false
		case "Cookie", "Authorization":
			r.personal = true
		default:
			r.vary = append(r.vary, name)
		}
	}
	slices.Sort(r.vary)
	r.vary = slices.Compact(r.vary)
	if fresh = freshFor(d) - seconds(h.Get("Age")); fresh <= 0 || strings.HasPrefix(h.Get("Content-Type"), "text/event-stream") {
		return rule{pass: true}, 0, false
	}
	return r, fresh, true
}

func freshFor(d map[string]string) time.Duration {
	if s, ok := d["s-maxage"]; ok {
		return seconds(s)
	}
	return seconds(d["max-age"])
}

func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxFresh)
}

// directives reads Cache-Control.
func directives(h http.Header) map[string]string {
	d := map[string]string{}
	for _, text := range h["Cache-Control"] {
		for item := range strings.SplitSeq(text, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
			d[strings.ToLower(name)] = strings.Trim(value, `"`)
		}
	}
	return d
}
