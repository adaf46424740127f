package instrument_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/record"
)

// guarded is a broker that not everybody may use.
func guarded(t *testing.T, options ...kfake.Opt) string {
	t.Helper()
	cluster, err := kfake.NewCluster(append(options, kfake.NumBrokers(1), kfake.SeedTopics(1, record.TopicRecords, record.TopicInstances))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

// secured is a client's configuration with s.
func secured(t *testing.T, s instrument.Security) *sarama.Config {
	t.Helper()
	cfg := sarama.NewConfig()
	cfg.Version = sarama.V3_6_0_0
	cfg.Metadata.Retry.Max = 0
	if err := s.Configure(cfg); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// arrives reads the only record that a guarded broker has.
func arrives(t *testing.T, addr string, s instrument.Security) record.Record {
	t.Helper()
	consumer, err := sarama.NewConsumer([]string{addr}, secured(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer consumer.Close()
	part, err := consumer.ConsumePartition(record.TopicRecords, 0, sarama.OffsetOldest)
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	select {
	case m := <-part.Messages():
		r, err := record.Decode(m.Value)
		if err != nil {
			t.Fatal(err)
		}
		return r
	case <-time.After(patience):
		t.Fatal("no record in Kafka")
		return record.Record{}
	}
}

func TestRecordsReachAGuardedKafka(t *testing.T) {
	authority := newAuthority(t)
	dir := t.TempDir()
	caFile, certFile, keyFile := authority.files(t, dir)
	passwordFile := filepath.Join(dir, "password")
	if err := os.WriteFile(passwordFile, []byte("pencil\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := &tls.Config{Certificates: []tls.Certificate{authority.issue(t)}}
	both := server.Clone()
	both.ClientAuth, both.ClientCAs = tls.RequireAndVerifyClientCert, authority.pool
	sasl := func(mechanism string) []kfake.Opt {
		return []kfake.Opt{kfake.EnableSASL(), kfake.Superuser(mechanism, "bank", "pencil")}
	}
	f := func(name string, options []kfake.Opt, warnings int, pairs ...string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			addr := guarded(t, options...)
			environment(t, append(pairs, "WAYBILL_KAFKA_BROKERS", addr)...)
			in := service(t, instrument.Config{})
			in.Logger().Info("through the gate")
			flushed(t, in)
			h := in.Health()
			if h.Err != nil || len(h.Warnings) != warnings {
				t.Errorf("health %+v", h)
			}
			s := instrument.Security{}
			for i := 0; i < len(pairs); i += 2 {
				switch value := pairs[i+1]; pairs[i] {
				case "WAYBILL_KAFKA_TLS":
					s.TLS = true
				case "WAYBILL_KAFKA_CA_FILE":
					s.CAFile = value
				case "WAYBILL_KAFKA_CERT_FILE":
					s.CertFile = value
				case "WAYBILL_KAFKA_KEY_FILE":
					s.KeyFile = value
				case "WAYBILL_KAFKA_SASL_MECHANISM":
					s.Mechanism = value
				case "WAYBILL_KAFKA_USER":
					s.User, s.Password = value, "pencil"
				}
			}
			if r := arrives(t, addr, s); r.Message != "through the gate" || r.Node != in.Node() {
				t.Errorf("got %s", r.Raw)
			}
			// Nobody comes in without it: the gate is there.
			if c, err := sarama.NewClient([]string{addr}, secured(t, instrument.Security{})); err == nil {
				c.Close()
				t.Error("the broker lets everybody in")
			}
		})
	}
	const mechanism, user, password, file = "WAYBILL_KAFKA_SASL_MECHANISM", "WAYBILL_KAFKA_USER", "WAYBILL_KAFKA_PASSWORD", "WAYBILL_KAFKA_PASSWORD_FILE"
	const encrypt, ca, cert, key = "WAYBILL_KAFKA_TLS", "WAYBILL_KAFKA_CA_FILE", "WAYBILL_KAFKA_CERT_FILE", "WAYBILL_KAFKA_KEY_FILE"
	f("PLAIN", sasl("PLAIN"), 1, user, "bank", password, "pencil")
	f("SCRAM-SHA-256", sasl("SCRAM-SHA-256"), 0, mechanism, "scram-sha-256", user, "bank", password, "pencil")
	f("SCRAM-SHA-512", sasl("SCRAM-SHA-512"), 0, mechanism, "SCRAM-SHA-512", user, "bank", file, passwordFile)
	f("TLS", []kfake.Opt{kfake.TLS(server)}, 0, encrypt, "true", ca, caFile)
	f("TLS with a client certificate", []kfake.Opt{kfake.TLS(both)}, 0, encrypt, "1", ca, caFile, cert, certFile, key, keyFile)
	f("TLS and PLAIN", append(sasl("PLAIN"), kfake.TLS(server)), 0, encrypt, "true", ca, caFile, mechanism, "PLAIN", user, "bank", file, passwordFile)
}

// The password is put right on the broker; what was logged until then arrives.
func TestAWrongPasswordLosesNothing(t *testing.T) {
	t.Parallel()
	addr := guarded(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "root", "toor"), kfake.Superuser("SCRAM-SHA-512", "bank", "pen"))
	s := instrument.Security{Mechanism: instrument.SASLScramSHA512, User: "bank", Password: "pencil"}
	in := service(t, instrument.Config{Brokers: []string{addr}, Security: s})
	in.Logger().Info("kept")
	until(t, "Health tells why", func() bool { return in.Health().Err != nil })
	h := in.Health()
	for _, want := range []string{addr, `hangs up on user "bank"`, "check WAYBILL_KAFKA_USER, its password, SASL mechanism SCRAM-SHA-512"} {
		if !strings.Contains(h.Err.Error(), want) {
			t.Errorf("%v does not say %q", h.Err, want)
		}
	}
	if strings.Contains(h.Err.Error(), "pencil") || h.Last != 1 || h.Unsettled != 1 || h.Refused != 0 {
		t.Errorf("health %+v", h)
	}

	admin, err := sarama.NewClusterAdmin([]string{addr}, secured(t, instrument.Security{User: "root", Password: "toor"}))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	results, err := admin.UpsertUserScramCredentials([]sarama.AlterUserScramCredentialsUpsert{{
		Name: "bank", Mechanism: sarama.SCRAM_MECHANISM_SHA_512, Iterations: 4096, Salt: []byte("salt-of-16-bytes"), Password: []byte("pencil"),
	}})
	if err != nil || results[0].ErrorCode != sarama.ErrNoError {
		t.Fatal(err, results)
	}
	flushed(t, in)
	if err := in.Health().Err; err != nil {
		t.Errorf("Health still says %v", err)
	}
	if r := arrives(t, addr, s); r.Message != "kept" || r.Sequence != 1 {
		t.Errorf("got %s", r.Raw)
	}
}

func TestWhyAGuardedKafkaIsNotReached(t *testing.T) {
	t.Parallel()
	authority := newAuthority(t)
	addr := guarded(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "bank", "pencil"))
	encrypted := guarded(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{authority.issue(t)}}))
	// kfake hangs up where Kafka answers.
	answering, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "bank", "pencil"))
	if err != nil {
		t.Fatal(err)
	}
	defer answering.Close()
	answering.ControlKey(kmsg.SASLAuthenticate.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		answering.KeepControl()
		refusal := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		refusal.ErrorCode = int16(sarama.ErrSASLAuthenticationFailed)
		return refusal, nil, true
	})
	refusing := answering.ListenAddrs()[0]
	f := func(addr string, s instrument.Security, want string) {
		t.Helper()
		in := unreachedBy(t, addr, s)
		in.Logger().Info("waits")
		until(t, "Health tells why", func() bool { return in.Health().Err != nil })
		if h := in.Health(); !strings.Contains(h.Err.Error(), want) || h.Unsettled != 1 {
			t.Errorf("%v, want %s", h.Err, want)
		}
	}
	f(addr, instrument.Security{Mechanism: "SCRAM-SHA-256", User: "bank", Password: "pen"}, `hangs up on user "bank"`)
	f(addr, instrument.Security{}, "check WAYBILL_KAFKA_TLS and WAYBILL_KAFKA_USER")
	f(encrypted, instrument.Security{}, "check WAYBILL_KAFKA_TLS")
	f(refusing, instrument.Security{Mechanism: "PLAIN", User: "bank", Password: "pen"}, `refuses user "bank": check WAYBILL_KAFKA_USER, its password and SASL mechanism PLAIN`)
	f(encrypted, instrument.Security{TLS: true}, "set WAYBILL_KAFKA_CA_FILE")
}

// unreachedBy is an instance that Kafka does not let in.
func unreachedBy(t *testing.T, addr string, s instrument.Security) *instrument.Instrument {
	t.Helper()
	in := service(t, instrument.Config{Brokers: []string{addr}, Security: s})
	t.Cleanup(func() { in.Shutdown(done()) })
	return in
}

func TestAMistakeInSecuritySaysWhatToDo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(s instrument.Security, want string) {
		t.Helper()
		err := s.Configure(sarama.NewConfig())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", s, err, want)
		}
	}
	type security = instrument.Security
	f(security{CAFile: "ca.pem"}, "set Security.TLS or WAYBILL_KAFKA_TLS=true")
	f(security{InsecureSkipVerify: true}, "set Security.TLS or WAYBILL_KAFKA_TLS=true")
	f(security{TLS: true, CertFile: "c.pem"}, "WAYBILL_KAFKA_CERT_FILE and WAYBILL_KAFKA_KEY_FILE")
	f(security{TLS: true, CertFile: empty, KeyFile: empty}, "client certificate for Kafka: ")
	f(security{TLS: true, CAFile: filepath.Join(dir, "none")}, "certificate authority of Kafka: open "+dir)
	f(security{TLS: true, CAFile: empty}, "holds no certificate in PEM form")
	f(security{Mechanism: "PLAIN"}, "set Security.User or WAYBILL_KAFKA_USER")
	f(security{Password: "x"}, "set Security.User or WAYBILL_KAFKA_USER")
	f(security{User: "u"}, `Kafka's user "u" has no password`)
	f(security{User: "u", Password: "x", PasswordFile: empty}, "two passwords")
	f(security{User: "u", PasswordFile: empty}, "empty is empty")
	f(security{User: "u", PasswordFile: filepath.Join(dir, "none")}, "password for Kafka: open "+dir)
	f(security{User: "u", Password: "x", Mechanism: "GSSAPI"}, `SASL mechanism "GSSAPI" is unknown: set Security.Mechanism or WAYBILL_KAFKA_SASL_MECHANISM to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512`)

	cfg := sarama.NewConfig()
	if err := (security{}).Configure(cfg); err != nil || cfg.Net.TLS.Enable || cfg.Net.SASL.Enable {
		t.Errorf("the zero value: %v, %+v", err, cfg.Net)
	}
	// What Configure makes, sarama takes.
	for _, mechanism := range []string{"", "plain", "SCRAM-SHA-256", "scram-sha-512"} {
		cfg := sarama.NewConfig()
		if err := (security{TLS: true, User: "u", Password: "x", Mechanism: mechanism}).Configure(cfg); err != nil || cfg.Validate() != nil {
			t.Errorf("%s: %v, %v", mechanism, err, cfg.Validate())
		}
	}
}

func TestAPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	s := instrument.Security{User: "bank", Password: "pencil"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "security", s)
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%+v", instrument.Config{Security: s}), fmt.Sprintf("%#v", instrument.Config{Security: s}), log.String(), string(data)} {
		if strings.Contains(shown, "pencil") || !strings.Contains(shown, "bank") {
			t.Error(shown)
		}
	}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue signs a certificate for 127.0.0.1, for servers and clients.
func (a *authority) issue(t *testing.T) tls.Certificate {
	t.Helper()
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// files are the authority's certificate and one it has issued, with its key.
func (a *authority) files(t *testing.T, dir string) (ca, cert, key string) {
	t.Helper()
	issued := a.issue(t)
	private, err := x509.MarshalECPrivateKey(issued.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("ca.pem", "CERTIFICATE", a.cert.Raw), write("cert.pem", "CERTIFICATE", issued.Certificate[0]), write("key.pem", "EC PRIVATE KEY", private)
}
