package registry

import (
	"context"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

const (
	dnsTTL     = 1    // seconds: as long as clients of the API keep an answer
	dnsMost    = 64   // instances in one answer, chosen by chance
	dnsUDPSize = 1232 // bytes that come through without fragments (DNS flag day 2020)
)

// DNS answers what GET /services/{name} does, for those who speak only DNS:
//
//	_bank._tcp.shop.  bank.shop.   SRV  1 1 7702 k2v….bank.shop.
//	                               TXT  "id=k2v…" "version=1.0.0" "path=/"
//	                               A, AAAA  of instances whose URL has an IP address
//	k2v….bank.shop.                A, AAAA
//
// It answers for the domain only, and recurses for nobody. Where a URL has a name
// rather than an address, that name is the SRV's target.
func DNS(r *Registry, domain string) dns.Handler {
	return &zone{r, dns.CanonicalName(domain)}
}

type zone struct {
	registry *Registry
	domain   string // in lower case, with a dot at its end
}

// ServeDNS answers one question.
func (z *zone) ServeDNS(w dns.ResponseWriter, req *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(req)
	z.answer(m, req)
	size := dns.MaxMsgSize
	if w.LocalAddr().Network() == "udp" {
		size = dns.MinMsgSize
	}
	if opt := req.IsEdns0(); opt != nil {
		if w.LocalAddr().Network() == "udp" {
			size = max(size, min(int(opt.UDPSize()), dnsUDPSize))
		}
		m.SetEdns0(dnsUDPSize, false)
	}
	m.Compress = true
	m.Truncate(size) // says so, and the asker comes again over TCP
	if err := w.WriteMsg(m); err != nil {
		z.registry.log.WarnContext(context.Background(), "DNS answer not sent", "error", err)
	}
}

func (z *zone) answer(m, req *dns.Msg) {
	switch {
	case req.Opcode != dns.OpcodeQuery:
		m.Rcode = dns.RcodeNotImplemented
		return
	case len(req.Question) != 1:
		m.Rcode = dns.RcodeFormatError
		return
	}
	q := req.Question[0]
	name := dns.CanonicalName(q.Name)
	if q.Qclass != dns.ClassINET || !dns.IsSubDomain(z.domain, name) {
		m.Rcode = dns.RcodeRefused
		return
	}
	m.Authoritative = true
	instances, known := z.find(strings.TrimSuffix(strings.TrimSuffix(name, z.domain), "."))
	if !known {
		m.Rcode = dns.RcodeNameError
	}
	for _, in := range instances {
		z.add(m, q, in)
	}
	if len(m.Answer) == 0 {
		m.Ns = []dns.RR{z.soa()}
	}
}

// find returns the instances that a name below the domain means.
func (z *zone) find(name string) (instances []Instance, known bool) {
	if name == "" {
		return nil, true
	}
	labels := strings.Split(name, ".")
	switch {
	case len(labels) == 1:
		instances, known = z.registry.Lookup(labels[0])
	case len(labels) == 2 && labels[1] == "_tcp" && strings.HasPrefix(labels[0], "_"):
		instances, known = z.registry.Lookup(labels[0][1:])
	case len(labels) == 2:
		instances, _ = z.registry.Lookup(labels[1])
		i := slices.IndexFunc(instances, func(in Instance) bool { return in.ID == labels[0] })
		if i < 0 {
			return nil, false
		}
		return instances[i : i+1], true
	}
	return some(instances), known
}

// some is at most dnsMost instances, in an order by chance: askers take the first.
func some(instances []Instance) []Instance {
	order := rand.Perm(len(instances))
	chosen := make([]Instance, 0, min(len(order), dnsMost))
	for _, i := range order[:min(len(order), dnsMost)] {
		chosen = append(chosen, instances[i])
	}
	return chosen
}

func (z *zone) add(m *dns.Msg, q dns.Question, in Instance) {
	u, err := url.Parse(in.URL)
	if err != nil {
		return
	}
	ip := net.ParseIP(u.Hostname())
	switch q.Qtype {
	case dns.TypeSRV:
		srv := &dns.SRV{Hdr: header(q.Name, dns.TypeSRV), Priority: 1, Weight: 1, Port: number(port(u)), Target: dns.CanonicalName(u.Hostname())}
		if ip != nil {
			srv.Target = in.ID + "." + in.Service + "." + z.domain
			m.Extra = append(m.Extra, addresses(srv.Target, ip)...)
		}
		m.Answer = append(m.Answer, srv)
	case dns.TypeTXT:
		path := u.EscapedPath()
		if path == "" {
			path = "/"
		}
		m.Answer = append(m.Answer, &dns.TXT{Hdr: header(q.Name, dns.TypeTXT), Txt: []string{"id=" + in.ID, "version=" + escape(in.Version), "path=" + escape(path)}})
	case dns.TypeA, dns.TypeAAAA:
		for _, rr := range addresses(q.Name, ip) {
			if rr.Header().Rrtype == q.Qtype && !slices.ContainsFunc(m.Answer, func(other dns.RR) bool { return dns.IsDuplicate(rr, other) }) {
				m.Answer = append(m.Answer, rr)
			}
		}
	}
}

func addresses(name string, ip net.IP) []dns.RR {
	switch {
	case ip == nil:
		return nil
	case ip.To4() != nil:
		return []dns.RR{&dns.A{Hdr: header(name, dns.TypeA), A: ip.To4()}}
	}
	return []dns.RR{&dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: ip}}
}

// soa tells resolvers how long they may believe that there is nothing.
func (z *zone) soa() dns.RR {
	return &dns.SOA{Hdr: header(z.domain, dns.TypeSOA), Ns: "ns." + z.domain, Mbox: "hostmaster." + z.domain, Serial: 1, Refresh: 60, Retry: 60, Expire: 60, Minttl: dnsTTL}
}

func header(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: dnsTTL}
}

// number is a port of a URL that was valid at registration.
func number(port string) uint16 {
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// escape keeps a backslash from being read as the start of one of DNS's escapes.
func escape(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }
