package hook

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// errForbidden is of an address that a receiver may not be at.
var errForbidden = errors.New("it may not be reached there")

// places are where receivers may be.
type places struct {
	resolver     *net.Resolver // nil: the system's
	allowPrivate bool
}

// dial connects to where the network's names lead, if a receiver may be there: each address is
// judged as it is dialled, so that what a name meant before does not count.
func (p places) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	d := net.Dialer{
		Timeout: maxTimeout, KeepAlive: 30 * time.Second, Resolver: p.resolver,
		Control: func(network, addr string, _ syscall.RawConn) error { return p.judge(network, addr) },
	}
	return d.DialContext(ctx, network, addr)
}

func (p places) judge(network, addr string) error {
	at, err := netip.ParseAddrPort(addr)
	if err != nil || network != "tcp4" && network != "tcp6" && network != "tcp" {
		return fmt.Errorf("%w: %s over %s", errForbidden, addr, network)
	}
	why, private := forbidden(at.Addr())
	switch {
	case why == "" || private && p.allowPrivate:
		return nil
	case private:
		return fmt.Errorf("%w: %s is %s; where it is meant to be there, set allow_private: true", errForbidden, at.Addr(), why)
	default:
		return fmt.Errorf("%w: %s is %s", errForbidden, at.Addr(), why)
	}
}

// ranges that are not the internet's. The most special stand before what they are in.
var ranges = []struct {
	prefix  netip.Prefix
	what    string
	private bool // allow_private opens it
}{
	{netip.MustParsePrefix("127.0.0.0/8"), "this machine", true},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private network", true},
	{netip.MustParsePrefix("172.16.0.0/12"), "a private network", true},
	{netip.MustParsePrefix("192.168.0.0/16"), "a private network", true},
	{netip.MustParsePrefix("100.100.100.200/32"), "where a cloud has its metadata", false},
	{netip.MustParsePrefix("100.64.0.0/10"), "a provider's network (RFC 6598)", true},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local, where clouds have their metadata", false},
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified", false},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved", false},
	{netip.MustParsePrefix("192.0.2.0/24"), "for documentation", false},
	{netip.MustParsePrefix("192.88.99.0/24"), "a relay (RFC 7526)", false},
	{netip.MustParsePrefix("198.18.0.0/15"), "for benchmarks", false},
	{netip.MustParsePrefix("198.51.100.0/24"), "for documentation", false},
	{netip.MustParsePrefix("203.0.113.0/24"), "for documentation", false},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast", false},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved", false},

	{netip.MustParsePrefix("::1/128"), "this machine", true},
	{netip.MustParsePrefix("fd00:ec2::254/128"), "where a cloud has its metadata", false},
	{netip.MustParsePrefix("fc00::/7"), "a private network", true},
	{netip.MustParsePrefix("::/128"), "unspecified", false},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a translated address", false},
	{netip.MustParsePrefix("100::/64"), "discarded", false},
	{netip.MustParsePrefix("2001::/23"), "reserved, or a tunnel", false},
	{netip.MustParsePrefix("2001:db8::/32"), "for documentation", false},
	{netip.MustParsePrefix("3fff::/20"), "for documentation", false},
	{netip.MustParsePrefix("5f00::/16"), "for routing", false},
	{netip.MustParsePrefix("fe80::/10"), "link-local", false},
	{netip.MustParsePrefix("fec0::/10"), "a private network of old", false},
	{netip.MustParsePrefix("ff00::/8"), "multicast", false},
}

// forbidden says why a receiver may not be at an address; empty: it may. An IPv4 address inside one of IPv6
// counts as itself.
func forbidden(a netip.Addr) (why string, private bool) {
	a = a.WithZone("").Unmap()
	for _, r := range ranges {
		if r.prefix.Contains(a) {
			return r.what, r.private
		}
	}
	if inner, ok := embedded(a); ok {
		if why, private = forbidden(inner); why != "" {
			why += ", as " + inner.String()
		}
	}
	return why, private
}

// embedded is the IPv4 address that a packet to an IPv6 address may end at.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() {
		return a, false
	}
	b := a.As16()
	last := netip.AddrFrom4([4]byte(b[12:]))
	switch {
	case netip.MustParsePrefix("::/96").Contains(a), netip.MustParsePrefix("64:ff9b::/96").Contains(a): // IPv4-compatible; NAT64
		return last, true
	case netip.MustParsePrefix("2002::/16").Contains(a): // 6to4
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case binary.BigEndian.Uint32(b[8:])&^0x02000000 == 0x00005efe: // ISATAP
		return last, true
	}
	return a, false
}
