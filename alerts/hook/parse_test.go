package hook

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func parse(t *testing.T, text string) ([]Receiver, error) {
	t.Helper()
	var file struct {
		Receivers yaml.Node `yaml:"receivers"`
	}
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	return ParseReceivers(&file.Receivers)
}

func TestReceiversAreReadFromYAML(t *testing.T) {
	got, err := parse(t, `receivers:
  - name: ops
    webhook:
      url: https://ops.example.com/alerts
      secret_files: [/run/secrets/ops, /run/secrets/ops.next]
      headers: {X-Team: shop}
    fallback: mail
    timeout: 3s
    retry: {attempts: 5, age: 10m, first: 500ms, most: 30s}
    ceiling: {per_minute: 120, burst: 20}
  - name: mail
    email: {server: "smtp.example.com:587", from: waybill@example.com, to: [ops@example.com], user: waybill, password_file: /run/secrets/mail}
  - {name: am, alertmanager: {url: "https://am.example.com", hold: 2h}, allow_private: true}
  - {name: chat, slack: {url_file: /run/secrets/slack}}
  - {name: topic, kafka: {topic: alerts}}
  - {name: page, exec: {command: [/usr/local/bin/page, --now]}}
`)
	if err != nil {
		t.Fatal(err)
	}
	first := Receiver{
		Name: "ops", Fallback: "mail", Timeout: 3 * time.Second, Line: 2,
		Retry:   Retry{Attempts: 5, Age: 10 * time.Minute, First: 500 * time.Millisecond, Most: 30 * time.Second},
		Ceiling: Ceiling{PerMinute: 120, Burst: 20},
		Webhook: &Webhook{HTTP{URL: "https://ops.example.com/alerts", Headers: map[string]string{"X-Team": "shop"}}, []string{"/run/secrets/ops", "/run/secrets/ops.next"}},
	}
	if !reflect.DeepEqual(got[0], first) {
		t.Errorf("got %+v, want %+v", got[0], first)
	}
	var kinds []string
	for i := range got {
		kind, _, err := got[i].settings()
		if err != nil {
			t.Error(err)
		}
		kinds = append(kinds, kind)
	}
	want(t, "kinds", strings.Join(kinds, " "), "webhook email alertmanager slack kafka exec")
	if got, err := parse(t, "rules: []\n"); err != nil || got != nil {
		t.Errorf("without receivers: %v, %v", got, err)
	}
}

func TestWhatIsWrongWithAReceiverIsSaidWithItsNameAndLine(t *testing.T) {
	f := func(text string, parts ...string) {
		t.Helper()
		_, err := parse(t, "receivers:\n"+text)
		wantError(t, err, parts...)
	}
	ok := "  - {name: ok, webhook: {url: 'https://a.example.com'}}\n"
	f(ok+"  - name: ops\n    webhook:\n      url: https://a.example.com\n      sekret: x\n", `receiver "ops" (line 3)`, `line 6: field "sekret" is not known`)
	f(ok+"  - name: ops\n    webhok: {url: https://a.example.com}\n", `receiver "ops" (line 3)`, `field "webhok"`)
	f("  - name: ops\n    name: other\n", "stands here twice")
	f("  - name: ops\n", "no kind")
	f("  - {name: ops, webhook: {url: 'https://a.example.com'}, slack: {url: 'https://b.example.com'}}\n", "both webhook and slack")
	f("  - {name: a/b, webhook: {url: 'https://a.example.com'}}\n", "1 to 64 letters")
	f("  - {webhook: {url: 'https://a.example.com'}}\n", "its name is")
	f(ok+ok, "another one has this name")
	f("  - {name: ops, webhook: {}}\n", "set one of url and url_file")
	f("  - {name: ops, webhook: {url: 'ftp://a.example.com'}}\n", "begin with https://")
	f("  - {name: ops, webhook: {url: 'https://u:sEcReT@a.example.com'}}\n", "user in it")
	f("  - {name: ops, webhook: {url: 'https://a.example.com', headers: {Authorization: x}}}\n", "use token_file")
	f("  - {name: ops, webhook: {url: 'https://a.example.com', headers: {\"X-A\": \"b\\nc\"}}}\n", "not one that HTTP takes")
	f("  - {name: ops, timeout: 2h, webhook: {url: 'https://a.example.com'}}\n", "timeout is 2h0m0s")
	f("  - {name: ops, timeout: soon, webhook: {url: 'https://a.example.com'}}\n", `receiver "ops" (line 2)`, "soon")
	f("  - {name: ops, retry: {attempts: -1}, webhook: {url: 'https://a.example.com'}}\n", "retry.attempts is -1")
	f("  - {name: ops, ceiling: {per_minute: -1}, webhook: {url: 'https://a.example.com'}}\n", "ceiling is -1")
	f("  - {name: ops, fallback: nobody, webhook: {url: 'https://a.example.com'}}\n", `no receiver "nobody"`)
	f("  - {name: a, fallback: b, webhook: {url: 'https://a.example.com'}}\n  - {name: b, fallback: a, webhook: {url: 'https://a.example.com'}}\n", "circle, a → b → a")
	f("  - {name: x, fallback: a, webhook: {url: 'https://a.example.com'}}\n  - {name: a, fallback: b, webhook: {url: 'https://a.example.com'}}\n  - {name: b, fallback: a, webhook: {url: 'https://a.example.com'}}\n", "circle, a → b → a")
	f("  - {name: m, email: {server: 'smtp.example.com', from: a@example.com, to: [b@example.com]}}\n", "want host:port")
	f("  - {name: m, email: {server: 'smtp.example.com:25', from: a@example.com, to: []}}\n", "email.to has 0")
	f("  - {name: m, email: {server: 'smtp.example.com:25', from: \"a@example.com\\nBcc: c@example.com\", to: [b@example.com]}}\n", "no address")
	f("  - {name: m, email: {server: 'smtp.example.com:25', from: a@example.com, to: [b@example.com], user: u, password_file: f, tls: none}}\n", "readable")
	f("  - {name: k, kafka: {topic: waybill.records}}\n", "choose one of your own")
	f("  - {name: k, kafka: {topic: '../x'}}\n", "kafka.topic")
	f("  - {name: e, exec: {command: [sh, -c, ls]}}\n", "whole path")
	f("  - &a {name: e, exec: {command: [/bin/true]}}\n", "anchors")
	f("  - 7\n", "(line 2)")
	_, err := parse(t, "receivers: {name: x}\n")
	wantError(t, err, "want a list")
	_, err = parse(t, "receivers:\n  - {name: ops, webhook: {url: 'https://u:sEcReT@a.example.com'}}\n")
	if strings.Contains(err.Error(), "sEcReT") {
		t.Errorf("the error shows a secret: %v", err)
	}
}

func TestProgramsAndTopicsAreOffUnlessThereIsReason(t *testing.T) {
	_, err := New(Config{Receivers: []Receiver{{Name: "page", Line: 7, Exec: &Exec{Command: []string{"/bin/true"}}}}})
	wantError(t, err, `receiver "page" (line 7)`, "allow it in the settings")
	_, err = New(Config{Receivers: []Receiver{{Name: "topic", Kafka: &Topic{Topic: "alerts"}}}})
	wantError(t, err, "there is no Kafka here")
}
