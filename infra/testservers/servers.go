package testservers

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Kafka returns the addresses (host:port) of a broker that answers.
func Kafka(t testing.TB) []string {
	t.Helper()
	return must(t, findKafka)
}

// Elasticsearch returns the URLs of a cluster whose health is yellow or green.
func Elasticsearch(t testing.TB) []string {
	t.Helper()
	return must(t, findElasticsearch)
}

// Strict is an Elasticsearch that asks who one is, encrypts, takes requests of at
// most 1 MB, and has room for 100 KB of them at once.
type Strict struct {
	URL, User, Password string
	CAFile              string // PEM of its certificate
}

// StrictElasticsearch returns the strict node.
func StrictElasticsearch(t testing.TB) Strict {
	t.Helper()
	s, err := parseStrict(must(t, findStrict)[0])
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Client trusts the node's certificate.
func (s Strict) Client() (*http.Client, error) {
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}}, nil
}

func parseStrict(address string) (Strict, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Strict{}, err
	}
	password, _ := u.User.Password()
	return Strict{URL: "https://" + u.Host, User: u.User.Username(), Password: password, CAFile: u.Query().Get("ca")}, nil
}

// Once per process, since a server stays where it is.
var (
	findKafka = sync.OnceValues(server{
		name: "kafka", variable: "WAYBILL_KAFKA_BROKERS",
		getenv: os.Getenv, up: up, answers: kafkaAnswers,
	}.find)
	findElasticsearch = sync.OnceValues(server{
		name: "elasticsearch", variable: "WAYBILL_ELASTICSEARCH_URLS",
		getenv: os.Getenv, up: up, answers: elasticsearchAnswers,
	}.find)
	findStrict = sync.OnceValues(server{
		name: "strict", variable: "WAYBILL_STRICT_ELASTICSEARCH_URLS",
		getenv: os.Getenv, up: up, answers: strictAnswers,
	}.find)
)

func must(t testing.TB, find func() ([]string, error)) []string {
	t.Helper()
	addresses, err := find()
	if err != nil {
		giveUp(t, err, os.Getenv("CI") != "")
	}
	return slices.Clone(addresses)
}

// giveUp ends the test: a server that cannot be had here skips it, one that should work and does not fails it.
func giveUp(t testing.TB, err error, ci bool) {
	t.Helper()
	if errors.Is(err, errUnavailable) && !ci {
		t.Skipf("NOT TESTED: %v", err)
	}
	t.Fatal(err)
}

// errUnavailable: this machine lacks something, and nothing is wrong with the server.
var errUnavailable = errors.New("not to be had on this machine")

type server struct {
	name     string // as up spells it
	variable string // lists its addresses, separated by commas
	getenv   func(string) string
	up       func(name string) (env string, err error)
	answers  func(address string) error
}

// patience is for servers of somebody else's that are just starting; up returns only when its own are ready. Short,
// because a variable that is left over from servers long gone costs it once in every package.
const patience = 15 * time.Second

func (s server) find() ([]string, error) {
	setting, origin := s.getenv(s.variable), "which "+s.variable+" names"
	if setting == "" {
		env, err := s.up(s.name)
		if err != nil {
			return nil, fmt.Errorf("%s is not set, so start %s: %w", s.variable, s.name, err)
		}
		setting, origin = exported(env, s.variable), "which infra/testservers/up started"
	}
	addresses := strings.FieldsFunc(setting, func(r rune) bool { return r == ',' || r == ' ' })
	if len(addresses) == 0 {
		return nil, fmt.Errorf("no address of %s in %q", s.name, setting)
	}
	for begun := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		var errs []error
		for _, address := range addresses {
			err := s.answers(address)
			if err == nil {
				return addresses, nil
			}
			errs = append(errs, err)
		}
		if time.Since(begun) > patience {
			return nil, fmt.Errorf("%s at %s, %s, does not answer: %w", s.name, setting, origin, errors.Join(errs...))
		}
	}
}

// exported finds the value of a variable among shell lines such as "export NAME=value".
func exported(env, variable string) string {
	for line := range strings.Lines(env) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "export "+variable+"="); ok {
			return value
		}
	}
	return ""
}

// up runs the script of that name for one server and returns the shell lines it prints. It is called for servers that
// run already, too: it answers at once, knows where they are, and lets them live for another while.
func up(name string) (env string, err error) {
	script, err := upScript()
	if err != nil {
		return "", err
	}
	// the first time it downloads; 9 minutes, because go test ends a package after 10
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Minute)
	defer cancel()
	var out, log bytes.Buffer
	cmd := exec.CommandContext(ctx, script, name)
	cmd.Stdout, cmd.Stderr = &out, io.MultiWriter(&log, os.Stderr)
	cmd.WaitDelay = time.Second // a download it has begun would hold stderr open
	err = cmd.Run()
	var exit *exec.ExitError
	switch said := strings.TrimSpace(log.String()); {
	case err == nil:
		return out.String(), nil
	case !errors.As(err, &exit): // no bash here, perhaps no Unix
		return "", fmt.Errorf("%w: %w", errUnavailable, err)
	case exit.ExitCode() == 3: // as lifecycle.sh has it
		return "", fmt.Errorf("%w: %s", errUnavailable, said)
	default:
		return "", fmt.Errorf("%s %s: %w: %s", script, name, err, said)
	}
}

// upScript finds up beside this source file or, where the compiler was told to forget its path (-trimpath), below a
// parent of the working directory.
func upScript() (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) {
		return filepath.Join(filepath.Dir(file), "up"), nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		script := filepath.Join(dir, "infra", "testservers", "up")
		if _, err := os.Stat(script); err == nil {
			return script, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no infra/testservers/up in any parent of the working directory")
		}
		dir = parent
	}
}
