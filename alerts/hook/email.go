package hook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"os"
	"strconv"
	"strings"

	mail "github.com/wneessen/go-mail"
)

// Email is a receiver that is written to, as plain text.
type Email struct {
	Server       string   `yaml:"server"` // host:port
	From         string   `yaml:"from"`
	To           []string `yaml:"to"`
	User         string   `yaml:"user"`          // empty: nobody logs in
	PasswordFile string   `yaml:"password_file"` // of User
	TLS          string   `yaml:"tls"`           // starttls, tls (from the first byte on) or none; empty: starttls, and tls on port 465
	CAFile       string   `yaml:"ca_file"`       // PEM of who signed its certificate; empty: the system's
}

const (
	maxRecipients = 50
	maxMailLine   = 200       // of a subject
	maxMailText   = 64 << 10  // of a body
	maxSMTP       = 256 << 10 // of what a server says in one conversation
)

func (e *Email) check(*Receiver) error {
	host, port, err := net.SplitHostPort(e.Server)
	if err != nil || host == "" {
		return fmt.Errorf("email.server is %.100q, want host:port", e.Server)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("email.server has port %.20q, want 1 to 65535", port)
	}
	if len(e.To) == 0 || len(e.To) > maxRecipients {
		return fmt.Errorf("email.to has %d addresses, want 1 to %d", len(e.To), maxRecipients)
	}
	for _, address := range append([]string{e.From}, e.To...) {
		if _, err := netmail.ParseAddress(address); err != nil || len(address) > 320 {
			return fmt.Errorf("%.100q is no address of email", address)
		}
	}
	switch e.TLS {
	case "", "starttls", "tls", "none":
	default:
		return fmt.Errorf("email.tls is %.20q, want starttls, tls or none", e.TLS)
	}
	switch {
	case (e.User == "") != (e.PasswordFile == ""):
		return errors.New("email has one of user and password_file: set both or neither")
	case e.User != "" && e.TLS == "none":
		return errors.New("email would send its password readable: set tls to starttls or tls")
	}
	return nil
}

func (*Email) perMinute() int { return 30 }

func (e *Email) kind(m *Manager, r *Receiver) (kind, error) {
	host, port, err := net.SplitHostPort(e.Server)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	at := m.places
	at.allowPrivate = r.AllowPrivate
	mode := e.TLS
	if mode == "" {
		if mode = "starttls"; number == 465 {
			mode = "tls"
		}
	}
	return &mailer{m: m, email: *e, host: host, port: number, mode: mode, places: at}, nil
}

type mailer struct {
	m      *Manager
	email  Email
	host   string
	port   int
	mode   string
	places places
}

func (e *mailer) where() string { return strings.Join(e.email.To, ", ") + " by " + e.email.Server }
func (e *mailer) close()        {}

func (e *mailer) deliver(ctx context.Context, p *parcel, a *answer) {
	var hidden mask
	message, err := e.message(p)
	if err != nil {
		a.err, a.final = err, true
		return
	}
	subject := oneLine(titleOf(p), maxMailLine)
	a.request = head(fmt.Sprintf("To: %s\nSubject: %s\nMessage-ID: %s\n\n%s", strings.Join(e.email.To, ", "), subject, e.messageID(p), mailText(p)), maxRequestHead, hidden)
	client, err := e.client(ctx, &hidden)
	if err != nil {
		a.err = hidden.hideIn(err)
		return
	}
	ctx, called := e.m.call(ctx, "SMTP", e.email.Server, nil)
	err = client.DialAndSendWithContext(ctx, message)
	var refused *mail.SendError
	var answered *textproto.Error
	switch {
	case message.IsDelivered(): // whatever became of the rest of the conversation
		err = nil
	case errors.As(err, &refused):
		a.status, a.final = refused.ErrorCode(), refused.ErrorCode() >= 500 && !refused.IsTemp()
	case errors.As(err, &answered):
		a.status, a.final = answered.Code, answered.Code >= 500
	}
	if errors.Is(err, errForbidden) {
		a.final = true
	}
	if a.err = hidden.hideIn(err); a.err != nil {
		a.text = head(err.Error(), maxAnswerHead, hidden)
	} else {
		a.status, a.text = 250, head(message.ServerResponse(), maxAnswerHead, hidden)
	}
	called(a.status, a.err)
}

// message has the same Message-ID each time, so that a mailbox may know it again.
func (e *mailer) message(p *parcel) (*mail.Msg, error) {
	message := mail.NewMsg()
	if err := message.From(e.email.From); err != nil {
		return nil, err
	}
	if err := message.To(e.email.To...); err != nil {
		return nil, err
	}
	message.Subject(oneLine(titleOf(p), maxMailLine))
	message.SetDateWithValue(p.Notification.Time)
	message.SetMessageIDWithValue(strings.Trim(e.messageID(p), "<>"))
	if p.Notification.Group != "" { // so that those of one group are one thread
		message.SetGenHeader(mail.HeaderReferences, "<group."+hashName(p.Notification.Group)+"@"+e.domain()+">")
	}
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence note answers it
	message.SetUserAgent("waybill")
	message.SetBodyString(mail.TypeTextPlain, mailText(p))
	return message, nil
}

func (e *mailer) messageID(p *parcel) string {
	return "<" + hashName(p.Delivery.ID) + "@" + e.domain() + ">"
}

func (e *mailer) domain() string {
	if from, err := netmail.ParseAddress(e.email.From); err == nil {
		if _, domain, ok := strings.Cut(from.Address, "@"); ok {
			return domain
		}
	}
	return "localhost"
}

func mailText(p *parcel) string {
	return cut(lines(p, maxMailText, escaped, func(text, url string) string { return "\n  " + text + ": " + url }), maxMailText)
}

// client is one for the attempt that ctx is of.
func (e *mailer) client(ctx context.Context, hidden *mask) (*mail.Client, error) {
	var ca []byte
	var err error
	if e.email.CAFile != "" {
		if ca, err = os.ReadFile(e.email.CAFile); err != nil {
			return nil, fmt.Errorf("who signed its certificate: %w", err)
		}
	}
	trusted, err := trust(ca, e.email.CAFile)
	if err != nil {
		return nil, err
	}
	trusted.ServerName = e.host
	options := []mail.Option{
		mail.WithPort(e.port), mail.WithTimeout(maxTimeout), mail.WithTLSConfig(trusted), mail.WithHELO("waybill.localhost"), mail.WithoutNoop(),
		mail.WithDialContextFunc(func(_ context.Context, network, addr string) (net.Conn, error) { // its context ends with the dialling
			return e.dial(ctx, network, addr, trusted)
		}),
	}
	switch e.mode {
	case "starttls":
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case "tls":
		options = append(options, mail.WithSSL())
	default:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if e.email.User != "" {
		password, err := readSecret(e.email.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("its password: %w", err)
		}
		hidden.add(password)
		options = append(options, mail.WithUsername(e.email.User), mail.WithPassword(password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return mail.NewClient(e.host, options...)
}

// dial gives a connection that ends with the attempt, and that does not read for ever.
func (e *mailer) dial(ctx context.Context, network, addr string, trusted *tls.Config) (net.Conn, error) {
	raw, err := e.places.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conn := &bounding{Conn: raw, left: maxSMTP}
	conn.unhook = context.AfterFunc(ctx, func() { _ = raw.Close() })
	if e.mode != "tls" {
		return conn, nil
	}
	encrypted := tls.Client(conn, trusted)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return encrypted, nil
}

// bounding is a connection of which only so much is read.
type bounding struct {
	net.Conn
	left   int
	unhook func() bool
}

func (c *bounding) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("it said more than %d bytes", maxSMTP)
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *bounding) Close() error {
	c.unhook()
	return c.Conn.Close()
}
