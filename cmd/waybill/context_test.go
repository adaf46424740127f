package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who is asked, and with which token: contexts keep them together.
func TestAContextSaysWhoIsAskedAndWithWhichToken(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	asked := map[string]string{} // by server, the token
	server := func(name string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked[name] = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			http.NotFound(w, r)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	local, prod, other := server("local"), server("prod"), server("other")
	write("prod.token", "prod-token\n")
	file := write("config/waybill/contexts.yaml", "current: local\ncontexts:\n  local: {server: "+local+"}\n  prod: {server: "+prod+", token-file: ~/prod.token}\n")
	environ := []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + filepath.Join(dir, "config")}

	f := func(want, token string, more []string, args ...string) {
		t.Helper()
		clear(asked)
		r := once(t, append(environ, more...), append([]string{"track", "a"}, args...)...)
		if r.code != exitNotFound || len(asked) != 1 {
			t.Errorf("%v %v: %+v, asked %v", more, args, r, asked)
		}
		if got, ok := asked[want]; !ok || got != token {
			t.Errorf("%v %v: asked %v, want %s with %q", more, args, asked, want, token)
		}
	}
	f("local", "", nil)
	f("prod", "prod-token", nil, "--context", "prod")
	f("prod", "prod-token", []string{"WAYBILL_CONTEXT=prod"})
	f("local", "", []string{"WAYBILL_CONTEXT=prod"}, "--context", "local")
	f("prod", "mine", []string{"WAYBILL_CONTEXT=prod", "WAYBILL_TOKEN=mine"})
	f("prod", "mine", nil, "--context", "prod", "--token", "mine")
	f("prod", "prod-token", []string{"WAYBILL_SERVER=" + other, "WAYBILL_TOKEN=others"}, "--context", "prod") // the flag is stronger
	f("other", "", []string{"WAYBILL_CONTEXT=prod", "WAYBILL_SERVER=" + other})                               // prod's token goes nowhere else
	f("other", "", []string{"WAYBILL_CONTEXT=prod"}, "--server", other)
	f("other", "mine", []string{"WAYBILL_TOKEN=mine"}, "--server", other)
	f("prod", "prod-token", nil, "--config", write("settings.yaml", "context: prod\ntoken: of-the-file\n"))

	wrong := func(says string, text string, args ...string) {
		t.Helper()
		if text != "" {
			write("config/waybill/contexts.yaml", text)
		}
		if r := once(t, environ, append([]string{"track", "a"}, args...)...); r.code != exitUsage || !strings.Contains(r.stderr, says) {
			t.Errorf("want %q: %+v", says, r)
		}
	}
	wrong(`no context "stage" in `+file+"; there are local, prod", "", "--context", "stage")
	wrong("give --context or --server, not both", "", "--context", "prod", "--server", other)
	if r := once(t, environ, "config", "contexts"); r.code != 0 || r.stdout != "* local  "+local+"  \n  prod   "+prod+"  ~/prod.token\n" {
		t.Errorf("contexts: %+v", r)
	}
	wrong("field serve not found", "contexts: {a: {serve: x}}")
	wrong("a has no server", "contexts: {a: {token-file: x}}")
	wrong("contexts.yaml", "[")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	wrong("does not exist", "", "--context", "prod")
}

func TestSettingsAreCheckedAndPrintedWithoutSecrets(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "waybill.yaml")
	if err := os.WriteFile(file, []byte("kafka-brokers: [a:1, b:2]\nkafka-tls: true\nelasticsearch-password: hunter1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"WAYBILL_TOKEN=hunter2", "WAYBILL_ELASTICSEARCH_URLS=http://me:hunter3@es:9200"}
	args := []string{"--config", file, "--kafka-password", "hunter4", "--server", "https://me:hunter5@waybill.example", "--data", "/var/lib/waybill"}
	for output, lines := range map[string][]string{
		"yaml": {
			"kafka-brokers: ['a:1', 'b:2'] # file", "kafka-group: waybill-collector # default", "kafka-tls: true # file", "kafka-password: '*****' # flag",
			"elasticsearch-urls: ['http://*****@es:9200'] # environment", "elasticsearch-password: '*****' # file", "token: '*****' # environment",
			"server: https://*****@waybill.example # flag", "data: /var/lib/waybill # flag", `elasticsearch-api-key: "" # default`,
		},
		"json": {`"name": "token",`, `"value": "*****",`, `"from": "environment"`},
	} {
		r := once(t, environ, append([]string{"config", "print", "-o", output}, args...)...)
		if r.code != 0 || strings.Contains(r.stdout, "hunter") {
			t.Errorf("%+v", r)
		}
		for _, want := range lines {
			if !strings.Contains(r.stdout, want+"\n") {
				t.Errorf("no %s in\n%s", want, r.stdout)
			}
		}
	}
	if r := once(t, environ, append([]string{"config", "check"}, args...)...); r.code != 0 || !strings.HasPrefix(r.stdout, "good: 8 of ") {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct{ says, flag, value string }{
		{"whole days", "--retention", "12h"}, {"has no port", "--kafka-brokers", "a"}, {"want http://host:port", "--server", "a:1"}, {"token file", "--token-file", "/absent"},
	} {
		if r := once(t, nil, "config", "check", c.flag, c.value); r.code != exitUsage || !strings.Contains(r.stderr, c.says) || r.stdout != "" {
			t.Errorf("%s %s: %+v", c.flag, c.value, r)
		}
	}
	if r := once(t, []string{"WAYBILL_KAFKA_BROKR=a:1"}, "config", "check"); r.code != 0 || !strings.Contains(r.stderr, "did you mean WAYBILL_KAFKA_BROKERS?") {
		t.Errorf("%+v", r)
	}
}

func TestShellsCompleteWithoutAServer(t *testing.T) {
	for shell, says := range map[string]string{"bash": "__start_waybill", "zsh": "#compdef waybill", "fish": "complete -c waybill", "powershell": "Register-ArgumentCompleter"} {
		if r := once(t, nil, "completion", shell); r.code != 0 || !strings.Contains(r.stdout, says) {
			t.Errorf("%s: code %d, no %s", shell, r.code, says)
		}
	}
	f := func(want string, args ...string) {
		t.Helper()
		if r := once(t, nil, append([]string{"__complete"}, args...)...); r.code != 0 || !strings.Contains("\n"+r.stdout, "\n"+want+"\n") {
			t.Errorf("%v: no %q in %s%s", args, want, r.stdout, r.stderr)
		}
	}
	f("verdict:", "search", "verd")
	f("level:error verdict:stalled", "search", "level:error verdict:st")
	f("service:", "tail", "serv")
	f("mermaid", "track", "-o", "")
	f("always", "tail", "--color", "")
	f("warn", "tail", "-l", "")
	f("usual", "track", "--diff", "")
	f("id,took", "search", "--columns", "id,t")
	f("label.", "search", "--records", "--columns", "")
	f("fish", "completion", "")
}

func TestEveryCommandHasAManPage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if r := once(t, nil, "man", dir); r.code != 0 || r.stdout+r.stderr != "" {
		t.Fatalf("%+v", r)
	}
	for _, name := range []string{"waybill", "waybill-track", "waybill-search", "waybill-tail", "waybill-config-print"} {
		body, err := os.ReadFile(filepath.Join(dir, name+".1"))
		if err != nil || !strings.Contains(string(body), ".SH SYNOPSIS") {
			t.Errorf("%s: %v\n%s", name, err, body)
		}
	}
	r := once(t, nil, "man", filepath.Join(dir, "waybill.1"))
	if r.code != exitFailed || !strings.Contains(r.stderr, "folder of man pages") {
		t.Errorf("%+v", r)
	}
}
