package testservers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestKafkaAnswers(t *testing.T) {
	for _, address := range Kafka(t) {
		if err := kafkaAnswers(address); err != nil {
			t.Error(err)
		}
	}
}

func TestElasticsearchAnswers(t *testing.T) {
	for _, url := range Elasticsearch(t) {
		var health struct{ Status string }
		getJSON(t, url+"/_cluster/health", &health)
		if health.Status != "yellow" && health.Status != "green" {
			t.Errorf("%s is %q, want yellow or green", url, health.Status)
		}
	}
}

func TestElasticsearchIsTheOneWeStart(t *testing.T) {
	server := started(t, "elasticsearch", "WAYBILL_ELASTICSEARCH_URLS")

	var greeting struct {
		Version struct{ Number string }
	}
	getJSON(t, server, &greeting)
	if got, want := greeting.Version.Number, "8.19.21"; got != want {
		t.Errorf("version %q, want %q", got, want)
	}

	var plugins []struct{ Component string }
	getJSON(t, server+"/_cat/plugins?format=json", &plugins)
	if len(plugins) != 1 || plugins[0].Component != "waybill-shim" {
		t.Errorf("plugins %v, want waybill-shim alone", plugins)
	}

	// connection refused, in Chinese
	var analysis struct{ Tokens []struct{ Token string } }
	body := url.Values{"source": {`{"analyzer": "cjk", "text": "连接被拒绝"}`}, "source_content_type": {"application/json"}}
	getJSON(t, server+"/_analyze?"+body.Encode(), &analysis)
	if got, want := fmt.Sprint(analysis.Tokens), "[{连接} {接被} {被拒} {拒绝}]"; got != want {
		t.Errorf("analyzer cjk gives %v, want %v", got, want)
	}
}

func TestPidFilesNameTheServers(t *testing.T) {
	for _, name := range []string{"kafka", "elasticsearch"} {
		run := started(t, name, "WAYBILL_TESTSERVERS_RUN")
		pid, err := os.ReadFile(filepath.Join(run, name, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		command, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "cmdline"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(command), filepath.Join(run, name)) {
			t.Errorf("pid %s of %s is %q", pid, name, command)
		}
	}
}

func TestUpTwiceGivesTheSameAddresses(t *testing.T) {
	for name, variable := range map[string]string{
		"kafka":         "WAYBILL_KAFKA_BROKERS",
		"elasticsearch": "WAYBILL_ELASTICSEARCH_URLS",
	} {
		first, second := started(t, name, variable), started(t, name, variable)
		if first == "" || first != second {
			t.Errorf("%s is at %q, then at %q", name, first, second)
		}
	}
}

// started runs up and returns what it says of the variable.
func started(t *testing.T, name, variable string) string {
	t.Helper()
	env, err := up(name)
	if err != nil {
		giveUp(t, err, os.Getenv("CI") != "")
	}
	return exported(env, variable)
}

func getJSON(t *testing.T, url string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", url, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// TestUpWithoutJava runs the script on a PATH that has all it needs except a JDK and Maven.
func TestUpWithoutJava(t *testing.T) {
	path := t.TempDir()
	for _, tool := range strings.Fields("bash cat cut dirname flock grep id mkdir mv rm sed setpriv setsid sha256sum test") {
		file, err := exec.LookPath(tool)
		if err != nil {
			t.Skip(err)
		}
		if err := os.Symlink(file, filepath.Join(path, tool)); err != nil {
			t.Fatal(err)
		}
	}
	place := t.TempDir()
	if err := os.Chmod(filepath.Dir(place), 0o755); err != nil { // else up looks for a folder that others can reach
		t.Fatal(err)
	}
	t.Setenv("PATH", path)
	t.Setenv("JAVA_HOME", "")
	t.Setenv("WAYBILL_TESTSERVERS_DIR", place)
	for _, name := range []string{"kafka", "elasticsearch"} {
		_, err := up(name)
		if !errors.Is(err, errUnavailable) || !strings.Contains(err.Error(), "missing: java") {
			t.Errorf("up %s: %v, want unavailable, missing: java", name, err)
		}
	}
}

func TestFind(t *testing.T) {
	const fromUp = "export WAYBILL_TESTSERVERS_RUN=/x/run\nexport ADDRESSES=127.0.0.1:2\n"
	broken := errors.New("did not start")
	for name, c := range map[string]struct {
		setting string
		env     string
		upErr   error
		want    []string
		wantErr string
	}{
		"variable":             {setting: "a:1,b:1", upErr: broken, want: []string{"a:1", "b:1"}, wantErr: "<nil>"},
		"variable with spaces": {setting: "a:1, b:1", upErr: broken, want: []string{"a:1", "b:1"}, wantErr: "<nil>"},
		"started":              {env: fromUp, want: []string{"127.0.0.1:2"}, wantErr: "<nil>"},
		"started without it":   {env: "export OTHER=a:1\n", wantErr: `no address of kafka in ""`},
		"not to be had": {upErr: fmt.Errorf("%w: missing: java", errUnavailable),
			wantErr: "ADDRESSES is not set, so start kafka: not to be had on this machine: missing: java"},
		"broken": {upErr: broken, wantErr: "ADDRESSES is not set, so start kafka: did not start"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := server{
				name: "kafka", variable: "ADDRESSES",
				getenv:  func(string) string { return c.setting },
				up:      func(string) (string, error) { return c.env, c.upErr },
				answers: func(string) error { return nil },
			}.find()
			if !slices.Equal(got, c.want) {
				t.Errorf("addresses %q, want %q", got, c.want)
			}
			if fmt.Sprint(err) != c.wantErr || c.upErr != nil && err != nil && !errors.Is(err, c.upErr) {
				t.Errorf("error %v, want %v", err, c.wantErr)
			}
		})
	}
}

func TestFindTakesAClusterOfWhichOneAnswers(t *testing.T) {
	got, err := server{
		getenv: func(string) string { return "dead:1,alive:1" },
		answers: func(address string) error {
			if address == "dead:1" {
				return errors.New("connection refused")
			}
			return nil
		},
	}.find()
	if err != nil || len(got) != 2 {
		t.Errorf("got %q and %v, want both addresses", got, err)
	}
}

func TestGiveUp(t *testing.T) {
	missing := fmt.Errorf("start kafka: %w: missing: java", errUnavailable)
	for name, c := range map[string]struct {
		err  error
		ci   bool
		want string
	}{
		"not to be had":       {missing, false, "skip: NOT TESTED: start kafka: not to be had on this machine: missing: java"},
		"not to be had in CI": {missing, true, "fatal: start kafka: not to be had on this machine: missing: java"},
		"broken":              {errors.New("did not start"), false, "fatal: did not start"},
		"broken in CI":        {errors.New("did not start"), true, "fatal: did not start"},
	} {
		t.Run(name, func(t *testing.T) {
			var fake recorder
			fake.run(func() { giveUp(&fake, c.err, c.ci) })
			if fake.said != c.want {
				t.Errorf("said %q, want %q", fake.said, c.want)
			}
		})
	}
}

// recorder is a test that notes how it ended.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) run(f func()) {
	defer func() {
		if v := recover(); v != nil && v != r {
			panic(v)
		}
	}()
	f()
}

func (r *recorder) Helper()                  {}
func (r *recorder) Skipf(f string, a ...any) { r.said = "skip: " + fmt.Sprintf(f, a...); panic(r) }
func (r *recorder) Fatal(a ...any)           { r.said = "fatal: " + fmt.Sprint(a...); panic(r) }

func TestKafkaAnswersRefusesOtherServers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, "SSH-2.0-a port that is open but no broker\r\n")
			conn.Close()
		}
	}()
	if err := kafkaAnswers(listener.Addr().String()); err == nil {
		t.Error("took an SSH server for Kafka")
	}
}

func TestName(t *testing.T) {
	for name, want := range map[string]string{
		"TestShip":                              "testship",
		"TestShip/a_b  c/D#01":                  "testship-a-b-c-d-01",
		"TestShip/连接被拒绝":                        "testship",
		"TestShip/__":                           "testship",
		"Test" + strings.Repeat("x", 59) + "/y": "test" + strings.Repeat("x", 59),
	} {
		if got := sanitize(name); got != want {
			t.Errorf("sanitize(%q) is %q, want %q", name, got, want)
		}
	}
	valid := regexp.MustCompile(`^testname-[a-z0-9]{10}$`)
	a, b := Name(t), Name(t)
	if !valid.MatchString(a) || !valid.MatchString(b) || a == b {
		t.Errorf("names %q and %q, want two like %s", a, b, valid)
	}
}
