package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestMisuseIsToldAndHasItsExitCode(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	wantsToken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"detail":"a token \u001b[31mplease"}`))
	}))
	defer wantsToken.Close()

	nowhere := filepath.Join(dir, "nowhere")

	f := func(code int, says string, environ []string, args ...string) {
		t.Helper()
		r := once(t, environ, args...)
		if r.code != code || !strings.Contains(r.stderr, says) {
			t.Errorf("waybill %s: code %d, want %d; stderr lacks %q:\n%s", strings.Join(args, " "), r.code, code, says, r.stderr)
		}
		if r.stdout != "" {
			t.Errorf("waybill %s: on stdout: %s", strings.Join(args, " "), r.stdout)
		}
	}
	f(exitUsage, `unknown command "nonsense"`, nil, "nonsense")
	f(exitUsage, "unknown flag: --nonsense", nil, "up", "--nonsense")
	f(exitUsage, "takes no arguments", nil, "up", "x")
	f(exitUsage, "want text or json", nil, "demo", "-o", "xml")
	f(exitUsage, "--scenario fire: want one of delivered, withdrawn,", nil, "demo", "--scenario", "fire")
	f(exitUsage, "want a rate such as 50/s", nil, "demo", "--load", "50")
	f(exitUsage, "want a rate such as 50/s", nil, "demo", "--load", "NaN/s")
	f(exitUsage, "one correlation ID, not 0", nil, "track")
	f(exitUsage, "1 to 2048 bytes, not 3000", nil, "track", strings.Repeat("a", 3000))
	f(exitUsage, "want read, write or admin", nil, "token", "ci", "--role", "king")
	f(exitUsage, "tokens.yaml", nil, "up", "--tokens-file", filepath.Join(dir, "tokens.yaml"), "--data", filepath.Join(dir, "t"), "--query-addr", "127.0.0.1:0", "--kafka-addr", "127.0.0.1:0", "--collector-addr", "127.0.0.1:0", "--otlp-http-addr", "", "--otlp-grpc-addr", "")
	f(exitUsage, "want text, json, jsonl, html or mermaid", nil, "track", "-o", "xml", "a")
	f(exitUsage, "leave out --follow", nil, "track", "--diff", "usual", "--follow", "a")
	f(exitUsage, "leave out -o json", nil, "track", "--raw", "-o", "json", "a")
	f(exitUsage, "not as html", nil, "track", "--diff", "usual", "-o", "html", "a")
	f(exitUsage, "want auto, always or never", nil, "track", "--color", "red", "a")
	f(exitUsage, "such as Europe/Berlin", nil, "track", "--timezone", "Mars/Base", "a")
	f(exitUsage, "times are clock, rfc3339 or relative", nil, "track", "--times", "soon", "a")
	f(exitUsage, "want a duration such as 30s", nil, "track", "--timeout", "-1s", "a")
	f(exitUsage, "want http://host:port", nil, "track", "--server", "localhost:7600", "a")
	f(exitUsage, "holds no certificate", nil, "track", "--server-ca-file", write("ca", "x"), "a")
	f(exitUsage, `unknown command "trakc"; did you mean track?`, nil, "trakc", "a")
	f(exitUsage, "unknown flag: --folow; did you mean --follow?", nil, "track", "--folow", "a")
	f(exitUsage, `unknown command "chek"; did you mean check?`, nil, "config", "chek")
	f(exitUsage, "bash, zsh, fish or powershell", nil, "completion", "tcsh")
	f(exitUsage, "one folder, not 0", nil, "man")
	f(exitUsage, "want text or json", nil, "version", "-o", "xml")
	f(exitUsage, "want yaml or json", nil, "config", "print", "-o", "xml")
	f(exitUsage, "want table, json, jsonl or csv", nil, "search", "-o", "xml")
	f(exitUsage, "0 is all", nil, "search", "-n", "-1")
	f(exitUsage, `no column "colour"; there are id, verdict`, nil, "search", "--columns", "id,colour")
	f(exitUsage, "there are label.KEY, time", nil, "search", "--records", "--columns", "verdict")
	f(exitUsage, "-o jsonl has everything", nil, "search", "--records", "--columns", "time", "-o", "jsonl")
	f(exitUsage, "the newest first", nil, "search", "--oldest-first")
	f(exitUnreachable, "no Waybill server answers at http://127.0.0.1:1", nil, "search", "--server", "http://127.0.0.1:1")
	f(exitUsage, "the syntax is that of RE2", nil, "tail", "--include", "(?<=a)b")
	f(exitUsage, "there are .Time", nil, "tail", "--template", "{{.Colour}}")
	f(exitUsage, "leave out -o jsonl", nil, "tail", "--template", "{{.Time}}", "-o", "jsonl")
	f(exitUsage, "want 0 to 1000", nil, "tail", "-n", "5000")
	f(exitUsage, "give -n or --since, not both", nil, "tail", "-n", "5", "--since", "1h")
	f(exitUsage, "0 is no limit", nil, "tail", "--limit", "-1")
	f(exitUsage, "--ui wants a terminal", nil, "tail", "--ui")
	f(exitUsage, "give --server or --kafka-brokers", nil, "tail", "--server", "http://127.0.0.1:1", "--kafka-brokers", "127.0.0.1:1")
	f(exitUnreachable, "at http://127.0.0.1:1", []string{"WAYBILL_SERVER=http://127.0.0.1:1", "WAYBILL_KAFKA_BROKERS=127.0.0.1:1"}, "tail") // which are for services
	f(exitUsage, "leave out --kafka-brokers", nil, "tail", "-n", "5", "--kafka-brokers", "127.0.0.1:1")
	f(exitUsage, "  colour:red\n  ^", nil, "tail", "colour:red", "--kafka-brokers", "127.0.0.1:1") // its column
	f(exitUsage, "of verdict, visited", nil, "tail", "verdict:stalled", "--kafka-brokers", "127.0.0.1:1")
	f(exitUnreachable, "no Waybill server answers at http://127.0.0.1:1", nil, "tail", "--server", "http://127.0.0.1:1")
	f(exitNotAllowed, "a token", nil, "tail", "--server", wantsToken.URL)
	f(exitNotAllowed, "a token", nil, "search", "--server", wantsToken.URL)
	f(exitUnreachable, "no Waybill server answers at http://127.0.0.1:1", nil, "track", "--server", "http://127.0.0.1:1", "a")
	f(exitNotAllowed, "a token ·[31mplease", nil, "track", "--server", wantsToken.URL, "a")
	f(exitUnreachable, "refused", nil, "health", "http://127.0.0.1:1/readyz")
	f(exitFailed, "401", nil, "health", wantsToken.URL)
	f(exitUsage, "health wants one URL", nil, "health")

	f(exitUsage, "prune wants --retention", nil, "store", "prune")
	f(exitUsage, "whole days, such as 30d", nil, "store", "prune", "--retention", "12h")
	f(exitUsage, "want stats, check, compact, backup or prune", nil, "store", "burn")
	f(exitUsage, "no embedded store in "+nowhere, nil, "store", "stats", "--data", nowhere)
	f(exitUsage, "one folder, not 0", nil, "store", "backup", "--data", nowhere)
	f(exitUsage, `"much" is no size`, nil, "up", "--store-bytes", "much")
	f(exitUsage, "not both", []string{"WAYBILL_ELASTICSEARCH_PASSWORD=a", "WAYBILL_ELASTICSEARCH_PASSWORD_FILE=b"}, "up")
	f(exitUsage, "not both", nil, "up", "--elasticsearch-api-key", "a", "--elasticsearch-user", "b")
	f(exitUsage, "the embedded broker has neither", nil, "up", "--kafka-tls")

	f(exitUsage, "collect needs --kafka-brokers and --elasticsearch-urls", nil, "collect")
	f(exitUsage, "serve needs --kafka-brokers and --elasticsearch-urls", nil, "serve", "--kafka-brokers", "127.0.0.1:1")
	f(exitUsage, `"localhost" has no port`, nil, "up", "--kafka-brokers", "localhost")
	f(exitUsage, "want http://host:port", nil, "up", "--elasticsearch-urls", "localhost:9200")
	f(exitUsage, "kafka-partitions is 0", nil, "up", "--kafka-partitions", "0")
	f(exitUsage, "demo with --server needs --kafka-brokers", nil, "demo", "--server", "http://127.0.0.1:1")
	f(exitUnreachable, "Kafka at 127.0.0.1:1 does not answer", nil, "up", "--kafka-brokers", "127.0.0.1:1", "--collector-addr", "127.0.0.1:0", "--otlp-http-addr", "127.0.0.1:0", "--otlp-grpc-addr", "", "--query-addr", "127.0.0.1:0", "--data", filepath.Join(dir, "a"))
	f(exitUnreachable, "Elasticsearch at http://127.0.0.1:1 does not answer", nil, "collect", "--kafka-brokers", "127.0.0.1:1", "--elasticsearch-urls", "http://127.0.0.1:1")

	f(exitFailed, "address "+taken.Addr().String()+" is taken", nil, "up", "--kafka-addr", taken.Addr().String(), "--data", filepath.Join(dir, "b"))
	f(exitFailed, "data folder "+write("file", "x")+"/broker cannot be created", nil, "up", "--kafka-addr", "127.0.0.1:0", "--data", filepath.Join(dir, "file"))
	f(exitUsage, "is open to other machines: set a token", nil, append([]string{"up"}, append(loopback(t), "--query-addr", "0.0.0.0:0")...)...)
	f(exitUsage, "--otlp-http-addr 0.0.0.0:0 is open to other machines: set a token", nil, append([]string{"up"}, append(loopback(t), "--otlp-http-addr", "0.0.0.0:0")...)...)
	f(exitUsage, "--collector-addr :0 is open to other machines: set a token", nil, append([]string{"up"}, append(loopback(t), "--collector-addr", ":0")...)...)
	f(exitUsage, `--otlp-grpc-addr "4317": want host:port`, nil, append([]string{"up"}, append(loopback(t), "--otlp-grpc-addr", "4317")...)...)
	f(exitFailed, "otlp-grpc: address "+taken.Addr().String()+" is taken; stop what listens there or choose another with --otlp-grpc-addr", nil,
		append([]string{"up"}, append(loopback(t), "--otlp-grpc-addr", taken.Addr().String())...)...)

	f(exitUsage, `"kafka-broker" is not a setting; did you mean kafka-brokers?`, nil, "up", "--config", write("typo.yaml", "kafka-broker: [a:1]\n"))
	f(exitUsage, "absent.yaml", nil, "up", "--config", filepath.Join(dir, "absent.yaml"))
	f(exitUsage, "broken.yaml", []string{"WAYBILL_CONFIG=" + write("broken.yaml", "a: [")}, "up")
	f(exitUsage, "not both", nil, "up", "--token", "a", "--token-file", write("token", "b"))
	f(exitUsage, "is empty", []string{"WAYBILL_TOKEN_FILE=" + write("empty", "\n")}, "up")
	f(exitUsage, "WAYBILL_KAFKA_BROKER is not a setting; did you mean WAYBILL_KAFKA_BROKERS?", []string{"WAYBILL_KAFKA_BROKER=a:1"}, "collect")
}

func TestFlagsOverEnvironmentOverFileOverDefaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "waybill.yaml")
	if err := os.WriteFile(file, []byte("kafka-group: file\ndata: file\nkafka-brokers: [file:1, file:2]\ncollector-addr: file:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{}
	cmd := a.up()
	if err := cmd.ParseFlags([]string{"--config", file, "--data", "flag"}); err != nil {
		t.Fatal(err)
	}
	var warn strings.Builder
	cfg, err := loadConfig(cmd, []string{"WAYBILL_DATA=env", "WAYBILL_KAFKA_GROUP=env", "WAYBILL_ELASTICSEARCH_URLS=http://a:1, http://b:2", "OTHER=x"}, &warn)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Data != "flag" || cfg.KafkaGroup != "env" || strings.Join(cfg.KafkaBrokers, " ") != "file:1 file:2" ||
		strings.Join(cfg.ElasticsearchURLs, " ") != "http://a:1 http://b:2" || cfg.CollectorAddr != "file:1" || cfg.QueryAddr != "127.0.0.1:7600" || cfg.KafkaPartitions != 4 {
		t.Errorf("got %+v", cfg)
	}
	if warn.String() != "" {
		t.Errorf("warned: %s", warn.String())
	}
}

func TestVersion(t *testing.T) {
	if r := once(t, nil, "version"); r.code != 0 || !strings.HasPrefix(r.stdout, "waybill ") {
		t.Errorf("%+v", r)
	}
	r := once(t, nil, "version", "-o", "json")
	var v release
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil || v.Version == "" || v.Go != runtime.Version() || !strings.Contains(r.stdout, `"commit"`) {
		t.Errorf("%+v %v", r, err)
	}
}
