package registry

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/waybill-log/waybill/demo-services/discovery"
)

// Both fit a string of a TXT record (RFC 1035, 3.3: 255 bytes with their key).
const (
	maxURL     = 240
	maxVersion = 64
)

// valid says whether an instance may register.
func (r *Registry) valid(in Instance) error {
	switch {
	case !discovery.ValidName(in.Service):
		return fmt.Errorf("%w: a service's name is a-z, 0-9 and -, begins with a letter and has at most 63 characters", ErrInvalid)
	case len(in.Version) > maxVersion || strings.ContainsFunc(in.Version, func(c rune) bool { return !unicode.IsPrint(c) || c == unicode.ReplacementChar }):
		return fmt.Errorf("%w: a version has at most %d printable characters", ErrInvalid, maxVersion)
	}
	return r.validURL(in.URL)
}

// validURL refuses what is no service's address. The registry's own is none: every
// look-up of it would lead back here.
func (r *Registry) validURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || len(raw) > maxURL || len(u.String()) > maxURL:
		return fmt.Errorf("%w: a URL of at most %d characters is needed", ErrInvalid, maxURL)
	case u.Scheme != "http" && u.Scheme != "https", u.Opaque != "", !validHost(u.Hostname()):
		return fmt.Errorf("%w: the URL must be http or https, with a host", ErrInvalid)
	case u.User != nil, u.RawQuery != "" || u.ForceQuery, strings.Contains(raw, "#"):
		return fmt.Errorf("%w: the URL must be without user, query and fragment", ErrInvalid)
	case port(u) == "0" || !validPort(port(u)):
		return fmt.Errorf("%w: the URL's port is none", ErrInvalid)
	}
	if own, err := url.Parse(r.cfg.Own); err == nil && own.Host != "" && sameAddress(u, own) {
		return fmt.Errorf("%w: the URL is the registry's own", ErrInvalid)
	}
	return nil
}

// validHost takes IP addresses and names. A name that ends in a number is neither:
// some resolvers read 127.1 as an address.
func validHost(h string) bool {
	if net.ParseIP(h) != nil {
		return true
	}
	last := h[strings.LastIndexByte(strings.TrimSuffix(h, "."), '.')+1:]
	return hosts.MatchString(h) && !numbers.MatchString(last)
}

var (
	hosts   = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,63}(\.[a-zA-Z0-9_-]{1,63})*\.?$`)
	numbers = regexp.MustCompile(`^([0-9]+|0[xX][0-9a-fA-F]*)\.?$`)
)

func validPort(p string) bool {
	_, err := net.LookupPort("tcp", p)
	return err == nil
}

// port is what a URL says or its scheme means.
func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// sameAddress compares where two URLs lead, without asking DNS. All names of this
// machine are one.
func sameAddress(a, b *url.URL) bool {
	return port(a) == port(b) && (host(a) == host(b) || here(a) && here(b))
}

func host(u *url.URL) string {
	h := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if ip := net.ParseIP(h); ip != nil {
		return ip.String()
	}
	return h
}

func here(u *url.URL) bool {
	h := host(u)
	ip := net.ParseIP(h)
	return h == "localhost" || strings.HasSuffix(h, ".localhost") || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}
