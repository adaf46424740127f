package hook

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailbox is an SMTP server (RFC 5321) that answers as it is told.
type mailbox struct {
	cert tls.Certificate
	ca   string // file
	at   string

	mu      sync.Mutex
	answers map[string]string // by command; empty: as usual
	from    []string
	to      []string
	auth    []string
	mails   []string
	sawTLS  bool
}

func newMailbox(t *testing.T, implicit bool) *mailbox {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	cert, leaf := s.TLS.Certificates[0], s.Certificate()
	s.Close()
	b := &mailbox{cert: cert, answers: map[string]string{}, ca: file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})))}
	b.at = raw(t, func(c net.Conn) {
		if implicit {
			c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		}
		b.talk(c, implicit)
	})
	return b
}

func (b *mailbox) talk(c net.Conn, encrypted bool) {
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	r := bufio.NewReader(c)
	say := func(command, usual string) bool {
		b.mu.Lock()
		if a := b.answers[command]; a != "" {
			usual = a
		}
		b.mu.Unlock()
		_, _ = io.WriteString(c, usual+"\r\n")
		return usual[0] == '2' || usual[0] == '3'
	}
	say("", "220 mail.example.com ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch verb = strings.ToUpper(verb); verb {
		case "EHLO":
			usual := "250-mail.example.com\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS"
			if encrypted {
				usual = "250-mail.example.com\r\n250 AUTH PLAIN LOGIN"
			}
			say(verb, usual)
		case "STARTTLS":
			if say(verb, "220 go on") {
				c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{b.cert}})
				r, encrypted = bufio.NewReader(c), true
			}
		case "AUTH":
			_, coded, _ := strings.Cut(rest, " ")
			plain, _ := base64.StdEncoding.DecodeString(coded)
			b.mu.Lock()
			b.auth = append(b.auth, string(plain))
			b.mu.Unlock()
			say(verb, "235 welcome")
		case "MAIL", "RCPT":
			if say(verb, "250 ok") {
				b.mu.Lock()
				_, address, _ := strings.Cut(rest, ":")
				if verb == "MAIL" {
					b.from = append(b.from, address)
				} else {
					b.to = append(b.to, address)
				}
				b.mu.Unlock()
			}
		case "DATA":
			if !say(verb, "354 go on") {
				continue
			}
			var text strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(line)
			}
			if say("END", "250 queued as 17") {
				b.mu.Lock()
				b.mails, b.sawTLS = append(b.mails, text.String()), encrypted
				b.mu.Unlock()
			}
		case "QUIT":
			say(verb, "221 bye")
			return
		default:
			say(verb, "250 ok")
		}
	}
}

// answer has a command answered with text from now on.
func (b *mailbox) answer(command, text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[command] = text
}

func (b *mailbox) receiver(set ...func(*Email)) Receiver {
	e := &Email{Server: b.at, From: "Waybill <waybill@example.com>", To: []string{"ops@example.com", "Second <second@example.com>"}, CAFile: b.ca}
	for _, s := range set {
		s(e)
	}
	return Receiver{Name: "mail", AllowPrivate: true, Timeout: 3 * time.Second, Email: e}
}

func TestMailIsWrittenOverTLSWithOneMessageID(t *testing.T) {
	for _, mode := range []string{"starttls", "tls"} {
		t.Run(mode, func(t *testing.T) {
			box := newMailbox(t, mode == "tls")
			box.answer("END", "451 come back")
			r := box.receiver(func(e *Email) { e.TLS, e.User, e.PasswordFile = mode, "waybill", file(t, "sEcReT\n") })
			r.Retry.First = 50 * time.Millisecond
			m, err := New(Config{Receivers: []Receiver{r}})
			if err != nil {
				t.Fatal(err)
			}
			defer closeNow(m)
			j := newMemory()
			if err := m.Take(0, j, j.all()); err != nil {
				t.Fatal(err)
			}
			n := note("mail", "g.1")
			n.Title = "bank stalled\r\nBcc: evil@example.com – 銀行"
			n.Text = "line\n.\nQUIT\r\n\x1b[31mred"
			if err := m.Notify(t.Context(), n); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
				if d := m.History("mail")[0]; d.Tries > 0 {
					want(t, "status of the first", d.Attempts[0].Status, 451)
					break
				}
			}
			box.mu.Lock()
			delete(box.answers, "END")
			box.mu.Unlock()
			d := ended(t, m, "mail")
			want(t, "outcome", d.Outcome, Delivered)
			want(t, "answer", strings.TrimSpace(d.Attempts[len(d.Attempts)-1].Answer), "queued as 17")
			box.mu.Lock()
			defer box.mu.Unlock()
			want(t, "encrypted", box.sawTLS, true)
			want(t, "auth", box.auth[0], "\x00waybill\x00sEcReT")
			want(t, "to", fmt.Sprint(box.to[:2]), "[<ops@example.com> <second@example.com>]")
			if len(box.mails) != 1 {
				t.Fatalf("%d mails", len(box.mails))
			}
			mail, err := netmail.ReadMessage(strings.NewReader(box.mails[0]))
			if err != nil {
				t.Fatalf("%v in %s", err, box.mails[0])
			}
			subject, _ := new(mime.WordDecoder).DecodeHeader(mail.Header.Get("Subject"))
			want(t, "subject", subject, "bank stalled Bcc: evil@example.com – 銀行")
			want(t, "Bcc", mail.Header.Get("Bcc"), "")
			want(t, "Message-ID", mail.Header.Get("Message-ID"), "<"+hashName("g.1")+"@example.com>")
			body, err := io.ReadAll(quotedprintable.NewReader(mail.Body))
			if err != nil || !strings.Contains(string(body), "QUIT") || !strings.Contains(string(body), `\x1b[31mred`) || !strings.Contains(string(body), "alert-g.1") || !strings.Contains(string(body), "https://waybill.example.com/g.1") {
				t.Errorf("body is %q, %v", body, err)
			}
			if shown := string(encoded(d)); strings.Contains(shown, "sEcReT") {
				t.Errorf("the history shows the password: %s", shown)
			}
		})
	}
}

func TestMailThatIsRefusedIsJudged(t *testing.T) {
	f := func(command, answer string, final bool) {
		t.Helper()
		box := newMailbox(t, false)
		box.answer(command, answer)
		m, err := New(Config{Receivers: []Receiver{box.receiver()}})
		if err != nil {
			t.Fatal(err)
		}
		defer closeNow(m)
		p := &parcel{Notification: note("mail", "g-1"), Delivery: newDelivery(note("mail", "g-1"), "mail", time.Now())}
		a := m.receiver("mail").try(t.Context(), m, p)
		if a.err == nil || a.final != final {
			t.Errorf("%s answered %s: final is %v, error %v", command, answer, a.final, a.err)
		}
	}
	f("MAIL", "450 busy", false)
	f("RCPT", "550 no such mailbox", true)
	f("END", "554 spam", true)
	f("END", "452 full", false)
	f("", "421 not now", false)
	f("EHLO", "250 mail.example.com", false) // no STARTTLS: nothing is sent readable
}

func TestMailServersAreBounded(t *testing.T) {
	t.Parallel()
	f := func(name string, say func(net.Conn)) {
		t.Helper()
		start := time.Now()
		r := Receiver{Name: "mail", AllowPrivate: true, Timeout: 2 * time.Second, Email: &Email{Server: raw(t, say), From: "a@example.com", To: []string{"b@example.com"}, TLS: "none"}}
		d := tryOnce(t, Config{}, r)
		want(t, name, d.Outcome, Failed)
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
	f("silence", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	f("a line without end", func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, strings.Repeat("2", 64<<10)); err != nil {
				return
			}
		}
	})
	f("a letter now and then", func(c net.Conn) {
		for {
			if _, err := io.WriteString(c, "2"); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	box := newMailbox(t, false)
	r := box.receiver()
	r.AllowPrivate = false
	d := tryOnce(t, Config{}, r)
	if !strings.Contains(d.Reason, "allow_private") {
		t.Errorf("reason is %q", d.Reason)
	}
	r = box.receiver(func(e *Email) { e.CAFile = "" })
	d = tryOnce(t, Config{}, r)
	if d.Outcome != Failed || !strings.Contains(d.Reason, "certificate") {
		t.Errorf("an unknown certificate: %+v", d)
	}
}

func TestMailThatTheServerHasIsNotSentAgain(t *testing.T) {
	box := newMailbox(t, false)
	box.answer("QUIT", "500 what?")
	box.answer("RSET", "500 what?")
	d := tryOnce(t, Config{}, box.receiver())
	want(t, "outcome", d.Outcome, Delivered)
}
