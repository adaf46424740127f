package registry

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// serve answers DNS on a free port, over UDP and TCP.
func serve(t *testing.T, r *Registry) (addr string) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", pc.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{PacketConn: pc}, {Listener: ln}} {
		s.Handler = DNS(r, "shop")
		started, ended := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { defer close(ended); s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { s.Shutdown(); <-ended })
	}
	return pc.LocalAddr().String()
}

func query(t *testing.T, network, addr, name string, kind uint16, size uint16) *dns.Msg {
	t.Helper()
	m := new(dns.Msg).SetQuestion(name, kind)
	if size > 0 {
		m.SetEdns0(size, false)
	}
	answer, _, err := (&dns.Client{Net: network, UDPSize: dns.MaxMsgSize - 1}).Exchange(m, addr)
	if err != nil {
		t.Fatalf("%s %s: %v", network, name, err)
	}
	return answer
}

func TestDNSAnswers(t *testing.T) {
	r := open(t, Config{})
	ip := register(t, r, "bank", "http://10.0.0.1:7702/base")
	register(t, r, "named", "https://Named.Internal")
	six := register(t, r, "six", "http://[2001:db8::1]:80")
	nobody := register(t, r, "nobody", "http://10.0.0.2")
	r.Deregister(t.Context(), nobody.ID)
	addr := serve(t, r)
	for _, c := range []struct {
		name  string
		kind  uint16
		rcode int
		want  []string // of answers and what comes with them; owner and TTL are left out
	}{
		{"bank.shop.", dns.TypeSRV, dns.RcodeSuccess, []string{"SRV 1 1 7702 " + ip.ID + ".bank.shop.", "A 10.0.0.1"}},
		{"_bank._tcp.shop.", dns.TypeSRV, dns.RcodeSuccess, []string{"SRV 1 1 7702 " + ip.ID + ".bank.shop.", "A 10.0.0.1"}},
		{"BANK.Shop.", dns.TypeA, dns.RcodeSuccess, []string{"A 10.0.0.1"}},
		{ip.ID + ".bank.shop.", dns.TypeA, dns.RcodeSuccess, []string{"A 10.0.0.1"}},
		{"bank.shop.", dns.TypeTXT, dns.RcodeSuccess, []string{`TXT "id=` + ip.ID + `" "version=1.0.0" "path=/base"`}},
		{"bank.shop.", dns.TypeAAAA, dns.RcodeSuccess, nil},
		{"bank.shop.", dns.TypeMX, dns.RcodeSuccess, nil},
		{"named.shop.", dns.TypeSRV, dns.RcodeSuccess, []string{"SRV 1 1 443 named.internal."}},
		{"named.shop.", dns.TypeTXT, dns.RcodeSuccess, []string{"*"}},
		{"named.shop.", dns.TypeA, dns.RcodeSuccess, nil},
		{"six.shop.", dns.TypeSRV, dns.RcodeSuccess, []string{"SRV 1 1 80 " + six.ID + ".six.shop.", "AAAA 2001:db8::1"}},
		{"six.shop.", dns.TypeAAAA, dns.RcodeSuccess, []string{"AAAA 2001:db8::1"}},
		{"shop.", dns.TypeSRV, dns.RcodeSuccess, nil},
		{"nobody.shop.", dns.TypeSRV, dns.RcodeSuccess, nil},
		{"unknown.shop.", dns.TypeSRV, dns.RcodeNameError, nil},
		{"_unknown._tcp.shop.", dns.TypeSRV, dns.RcodeNameError, nil},
		{"_bank._udp.shop.", dns.TypeSRV, dns.RcodeNameError, nil},
		{"other.bank.shop.", dns.TypeA, dns.RcodeNameError, nil},
		{ip.ID + ".six.shop.", dns.TypeA, dns.RcodeNameError, nil},
		{"a.b.c.shop.", dns.TypeA, dns.RcodeNameError, nil},
		{"bank.example.", dns.TypeSRV, dns.RcodeRefused, nil},
		{"workshop.", dns.TypeSRV, dns.RcodeRefused, nil},
	} {
		m := query(t, "udp", addr, c.name, c.kind, 0)
		var got []string
		for _, rr := range append(m.Answer, m.Extra...) {
			if rr.Header().Ttl != dnsTTL {
				t.Errorf("%s: kept for %d s", c.name, rr.Header().Ttl)
			}
			got = append(got, strings.Join(strings.Fields(rr.String())[3:], " "))
		}
		if m.Rcode != c.rcode || !slices.Equal(got, c.want) && !slices.Equal(c.want, []string{"*"}) {
			t.Errorf("%s %s: %s %q, want %s %q", c.name, dns.TypeToString[c.kind], dns.RcodeToString[m.Rcode], got, dns.RcodeToString[c.rcode], c.want)
		}
		if negative := len(c.want) == 0 && c.rcode != dns.RcodeRefused; negative != (len(m.Ns) == 1) || m.Authoritative == (c.rcode == dns.RcodeRefused) {
			t.Errorf("%s: authority is %v", c.name, m)
		}
	}
}

func TestAnAnswerTooLongForUDPSaysSo(t *testing.T) {
	r := open(t, Config{})
	for i := range 200 {
		register(t, r, "bank", fmt.Sprintf("http://10.0.0.%d:7702", i))
	}
	addr := serve(t, r)
	for _, c := range []struct {
		network   string
		size      uint16
		truncated bool
		most      int // bytes
	}{
		{"udp", 0, true, 512},
		{"udp", 100, true, 512}, // less than everybody must take
		{"udp", 65000, true, dnsUDPSize},
		{"tcp", 0, false, dns.MaxMsgSize},
	} {
		m := query(t, c.network, addr, "bank.shop.", dns.TypeSRV, c.size)
		m.Compress = true
		if m.Truncated != c.truncated || m.Len() > c.most || len(m.Answer) == 0 {
			t.Errorf("%s, %d: truncated %v, %d bytes, %d answers", c.network, c.size, m.Truncated, m.Len(), len(m.Answer))
		}
		if !c.truncated && len(m.Answer) != dnsMost {
			t.Errorf("%d answers", len(m.Answer))
		}
	}
	first := map[string]bool{}
	for range 20 {
		m := query(t, "tcp", addr, "bank.shop.", dns.TypeSRV, 0)
		first[m.Answer[0].(*dns.SRV).Target] = true
	}
	if len(first) < 5 {
		t.Errorf("the first answer is one of %d", len(first))
	}
}

func TestWhatIsNoQuestionIsRefused(t *testing.T) {
	addr := serve(t, open(t, Config{}))
	notify := new(dns.Msg).SetQuestion("bank.shop.", dns.TypeSRV)
	notify.Opcode = dns.OpcodeUpdate
	chaos := new(dns.Msg).SetQuestion("bank.shop.", dns.TypeSRV)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	for want, m := range map[int]*dns.Msg{dns.RcodeNotImplemented: notify, dns.RcodeRefused: chaos} {
		if answer, _, err := new(dns.Client).Exchange(m, addr); err != nil || answer.Rcode != want {
			t.Errorf("%v, %v, want %s", answer, err, dns.RcodeToString[want])
		}
	}
}
