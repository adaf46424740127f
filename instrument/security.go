package instrument

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// SASL mechanisms that Security knows.
const (
	SASLPlain       = sarama.SASLTypePlaintext
	SASLScramSHA256 = sarama.SASLTypeSCRAMSHA256
	SASLScramSHA512 = sarama.SASLTypeSCRAMSHA512
)

// Security is how Kafka is reached: encrypted, and as whom. The zero value is
// plain text and nobody. It shows no password in any format.
type Security struct {
	TLS                bool   // encrypt, and check the brokers' certificates
	CAFile             string // PEM of who signed the brokers' certificates; empty: the system's
	CertFile, KeyFile  string // PEM of the client's own certificate; empty: none
	InsecureSkipVerify bool   // take any broker's certificate: for trials only

	Mechanism    string // SASLPlain, SASLScramSHA256 or SASLScramSHA512; empty: SASLPlain where there is a user
	User         string // empty: no SASL
	Password     string `json:"-"`
	PasswordFile string // read at each connect, less the newline at its end
}

func (s Security) withEnv(getenv func(string) string) (Security, error) {
	if on := getenv("WAYBILL_KAFKA_TLS"); on != "" && !s.TLS {
		var err error
		if s.TLS, err = strconv.ParseBool(on); err != nil {
			return s, fmt.Errorf("WAYBILL_KAFKA_TLS is %q, want true or false", on)
		}
	}
	s.CAFile = first(s.CAFile, getenv("WAYBILL_KAFKA_CA_FILE"))
	s.CertFile = first(s.CertFile, getenv("WAYBILL_KAFKA_CERT_FILE"))
	s.KeyFile = first(s.KeyFile, getenv("WAYBILL_KAFKA_KEY_FILE"))
	s.Mechanism = first(s.Mechanism, getenv("WAYBILL_KAFKA_SASL_MECHANISM"))
	s.User = first(s.User, getenv("WAYBILL_KAFKA_USER"))
	if s.Password == "" && s.PasswordFile == "" {
		s.Password, s.PasswordFile = getenv("WAYBILL_KAFKA_PASSWORD"), getenv("WAYBILL_KAFKA_PASSWORD_FILE")
	}
	return s, nil
}

// Configure sets cfg up for any client of Kafka. It reads the files that s
// names; its error says what to set.
func (s Security) Configure(cfg *sarama.Config) error {
	if err := s.validate(); err != nil {
		return err
	}
	if s.TLS {
		encrypted, err := s.tls()
		if err != nil {
			return err
		}
		cfg.Net.TLS.Enable, cfg.Net.TLS.Config = true, encrypted
	}
	if s.User == "" {
		return nil
	}
	password, err := s.password()
	if err != nil {
		return err
	}
	sasl := &cfg.Net.SASL
	sasl.Enable, sasl.Handshake, sasl.Version = true, true, sarama.SASLHandshakeV1
	sasl.User, sasl.Password = s.User, password
	switch sasl.Mechanism = sarama.SASLMechanism(s.mechanism()); sasl.Mechanism {
	case SASLScramSHA256:
		sasl.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: scram.SHA256} }
	case SASLScramSHA512:
		sasl.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: scram.SHA512} }
	}
	return nil
}

func (s Security) validate() error {
	switch {
	case !s.TLS && (s.CAFile != "" || s.CertFile != "" || s.KeyFile != "" || s.InsecureSkipVerify):
		return errors.New("certificates for Kafka are set but TLS is off: set Security.TLS or WAYBILL_KAFKA_TLS=true")
	case (s.CertFile == "") != (s.KeyFile == ""):
		return errors.New("a client certificate for Kafka needs both its files: set Security.CertFile and KeyFile, or WAYBILL_KAFKA_CERT_FILE and WAYBILL_KAFKA_KEY_FILE")
	case s.Password != "" && s.PasswordFile != "":
		return errors.New("two passwords for Kafka are set: keep one of Security.Password and PasswordFile, or of WAYBILL_KAFKA_PASSWORD and WAYBILL_KAFKA_PASSWORD_FILE")
	case s.User == "" && (s.Mechanism != "" || s.Password != "" || s.PasswordFile != ""):
		return errors.New("a SASL mechanism or password for Kafka is set but no user: set Security.User or WAYBILL_KAFKA_USER")
	case s.User != "" && s.Password == "" && s.PasswordFile == "":
		return fmt.Errorf("Kafka's user %q has no password: set Security.Password, WAYBILL_KAFKA_PASSWORD or WAYBILL_KAFKA_PASSWORD_FILE", s.User)
	}
	switch s.mechanism() {
	case SASLPlain, SASLScramSHA256, SASLScramSHA512:
		return nil
	}
	return fmt.Errorf("SASL mechanism %q is unknown: set Security.Mechanism or WAYBILL_KAFKA_SASL_MECHANISM to %s, %s or %s", s.Mechanism, SASLPlain, SASLScramSHA256, SASLScramSHA512)
}

func (s Security) mechanism() string { return first(strings.ToUpper(s.Mechanism), SASLPlain) }

func (s Security) password() (string, error) {
	if s.PasswordFile == "" {
		return s.Password, nil
	}
	b, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("password for Kafka: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if password == "" {
		return "", fmt.Errorf("password for Kafka: %s is empty", s.PasswordFile)
	}
	return password, nil
}

func (s Security) tls() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.InsecureSkipVerify}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificate authority of Kafka: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificate authority of Kafka: %s holds no certificate in PEM form", s.CAFile)
		}
	}
	if s.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate for Kafka: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// connect opens a client. Its error says who is refused, where that is why.
func (s Security) connect(brokers []string, cfg *sarama.Config) (sarama.Client, error) {
	if err := s.Configure(cfg); err != nil {
		return nil, err
	}
	client, err := sarama.NewClient(brokers, cfg)
	if err == nil {
		return client, nil
	}
	at := strings.Join(brokers, ", ")
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(err, sarama.ErrSASLAuthenticationFailed):
		return nil, fmt.Errorf("Kafka at %s refuses user %q: check WAYBILL_KAFKA_USER, its password and SASL mechanism %s (%w)", at, s.User, s.mechanism(), err)
	case errors.Is(err, sarama.ErrUnsupportedSASLMechanism):
		return nil, fmt.Errorf("Kafka at %s does not take SASL mechanism %s: set WAYBILL_KAFKA_SASL_MECHANISM to one it does (%w)", at, s.mechanism(), err)
	case errors.Is(err, io.EOF) && s.User != "":
		return nil, fmt.Errorf("Kafka at %s hangs up on user %q: check WAYBILL_KAFKA_USER, its password, SASL mechanism %s and TLS (%w)", at, s.User, s.mechanism(), err)
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("Kafka at %s hangs up: it may want TLS or a user, so check WAYBILL_KAFKA_TLS and WAYBILL_KAFKA_USER (%w)", at, err)
	case errors.As(err, &authority):
		return nil, fmt.Errorf("Kafka at %s shows a certificate that nobody trusted has signed: set WAYBILL_KAFKA_CA_FILE to its authority's (%w)", at, err)
	}
	return nil, fmt.Errorf("Kafka at %s does not answer (%w)", at, err)
}

// shown is s without its password.
func (s Security) shown() Security {
	if s.Password != "" {
		s.Password = "***"
	}
	return s
}

// String implements fmt.Stringer; it shows no password.
func (s Security) String() string {
	type plain Security
	return fmt.Sprintf("%+v", plain(s.shown()))
}

// GoString implements fmt.GoStringer; it shows no password.
func (s Security) GoString() string {
	type plain Security
	return fmt.Sprintf("%#v", plain(s.shown()))
}

// LogValue implements slog.LogValuer; it shows no password.
func (s Security) LogValue() slog.Value { return slog.StringValue(s.String()) }

// scramClient is sarama's view of a SCRAM conversation (RFC 5802).
type scramClient struct {
	hash         scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

func (c *scramClient) Begin(user, password, authzID string) error {
	client, err := c.hash.NewClient(user, password, authzID)
	if err != nil {
		return err
	}
	c.conversation = client.NewConversation()
	return nil
}

func (c *scramClient) Step(challenge string) (string, error) { return c.conversation.Step(challenge) }

func (c *scramClient) Done() bool { return c.conversation.Done() }
