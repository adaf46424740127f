package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/alerts"
	"github.com/waybill-log/waybill/alerts/hook"
	"github.com/waybill-log/waybill/alerts/owner"
	"github.com/waybill-log/waybill/query/access"
)

// known is what a server knows of alerts, and what was handed in.
type known struct {
	silences []alerts.Silence
	ended    []string
	asked    []owner.Command
}

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func (*known) Alerts() []alerts.State {
	return []alerts.State{
		{Rule: "stalled", Subject: "a", Status: alerts.Firing, Severity: alerts.Critical, Title: "a <b>stands</b>", CorrelationID: "A", StartsAt: noon},
		{Rule: "slow", Subject: "b", Status: alerts.Pending, Severity: alerts.Info, StartsAt: noon},
	}
}

func (*known) Past() []alerts.State {
	end := noon.Add(time.Minute)
	return []alerts.State{{Rule: "stalled", Subject: "old", Status: alerts.Resolved, Severity: alerts.Critical, StartsAt: noon, EndsAt: &end}}
}
func (k *known) Silences(time.Time) []alerts.Silence { return k.silences }
func (*known) About() owner.About {
	rules, err := alerts.ParseRules([]byte("self: false\nrules: [{name: stalled, journey: 'verdict == \"stalled\"'}]\nreceivers: [{name: ops}]"))
	if err != nil {
		panic(err)
	}
	return owner.About{Rules: rules.Rules, Receivers: []string{"ops"}, Wrong: "rule x (line 7): no", At: noon}
}

func (*known) Deliveries(receiver string) []owner.Sent {
	if receiver != "" && receiver != "ops" {
		return nil
	}
	return []owner.Sent{{Delivery: hook.Delivery{ID: "g-2-7", Receiver: "ops", Outcome: hook.Failed, Queued: noon, Attempts: []hook.Attempt{}}, Partition: 2}}
}
func (k *known) Silence(s alerts.Silence) error { k.silences = append(k.silences, s); return nil }
func (k *known) Unsilence(id string) error      { k.ended = append(k.ended, id); return nil }
func (k *known) Ask(c owner.Command) (string, error) {
	k.asked = append(k.asked, c)
	return "c1", nil
}

func send(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func wantBody(t *testing.T, w *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("%d, want %d: %s", w.Code, status, w.Body)
	}
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s\nlacks %s", w.Body, text)
		}
	}
}

func TestAlertsAreListedSilencedAndTested(t *testing.T) {
	k := &known{}
	h := serve(t, setup{Store: recordsIn(t), Alerts: k})
	wantBody(t, send(h, "GET", "/alerts", ""), 200, `"key":"stalled/a"`, `"key":"slow/b"`, `"silenced_by":[]`, `"more":0`)
	w := send(h, "GET", "/alerts?status=firing&limit=1", "")
	wantBody(t, w, 200, `"key":"stalled/a"`)
	if strings.Contains(w.Body.String(), "slow/b") {
		t.Error("who is pending fires")
	}
	wantBody(t, send(h, "GET", "/alerts?limit=1", ""), 200, `"more":1`)
	wantBody(t, send(h, "GET", "/alerts/history", ""), 200, `"key":"stalled/old"`, `"ends_at":"2026-11-26T12:01:00Z"`)
	wantBody(t, send(h, "GET", "/alerts/rules", ""), 200, `"name":"stalled"`, `"firing":1`, `"receivers":["ops"]`, `"wrong":"rule x (line 7): no"`)
	wantBody(t, send(h, "GET", "/alerts/deliveries?receiver=ops", ""), 200, `"id":"g-2-7"`, `"outcome":"failed"`)

	wantBody(t, send(h, "POST", "/alerts/silences", `{"match":["rule = stalled"],"for":"2h","comment":"moving"}`), 201, `"match":["rule=\"stalled\""]`, `"author":"local"`)
	if len(k.silences) != 1 || k.silences[0].Ends.Sub(k.silences[0].Starts) != 2*time.Hour {
		t.Fatalf("silences are %+v", k.silences)
	}
	id := k.silences[0].ID
	wantBody(t, send(h, "GET", "/alerts", ""), 200, `"silenced_by":["`+id+`"]`)
	wantBody(t, send(h, "GET", "/alerts/silences", ""), 200, id, `"comment":"moving"`)
	wantBody(t, send(h, "DELETE", "/alerts/silences/"+id, ""), 204)
	wantProblem(t, send(h, "DELETE", "/alerts/silences/0123456789abcdef", ""), 404, "there is no silence 0123456789abcdef now")
	if len(k.ended) != 1 || k.ended[0] != id {
		t.Errorf("ended are %v", k.ended)
	}

	wantBody(t, send(h, "POST", "/alerts/receivers/ops/test", ""), 202, `"look":"/api/v1/alerts/deliveries?receiver=ops"`)
	wantBody(t, send(h, "POST", "/alerts/deliveries/redrive", `{"receiver":"ops","id":"g-2-7"}`), 202)
	if len(k.asked) != 2 || k.asked[1].Partition != 2 || k.asked[1].Do != owner.Redrive || k.asked[0].Do != owner.Test {
		t.Errorf("asked is %+v", k.asked)
	}
}

func TestWhatCannotBeDoneToAlertsIsRefused(t *testing.T) {
	k := &known{}
	h := serve(t, setup{Store: recordsIn(t), Alerts: k})
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/alerts/silences", `{"match":["nonsense"],"for":"2h"}`, "want one such as severity = critical"},
		{"POST", "/alerts/silences", `{"match":["rule = x"]}`, "ends after it starts"},
		{"POST", "/alerts/silences", `{"match":["rule = x"],"for":"for ever"}`, "for is a duration"},
		{"POST", "/alerts/silences", `{"match":["rule != x"],"for":"2h"}`, "match everything"},
		{"POST", "/alerts/silences", `{"match":["rule =~ \"((a{100}){100}){100}\""],"for":"2h"}`, "the pattern"},
		{"POST", "/alerts/silences", `{"match":[],"for":"2h"}`, "match"},
		{"POST", "/alerts/silences", `{"match":["rule = x"],"for":"2h","who":"me"}`, "who"},
		{"POST", "/alerts/silences", `{`, ""},
		{"GET", "/alerts?limit=0", "", "limit"},
		{"GET", "/alerts?status=no", "", "status"},
	} {
		wantProblem(t, send(h, c.method, c.path, c.body), 400, c.want)
	}
	wantProblem(t, send(h, "POST", "/alerts/receivers/nobody/test", ""), 404, "there is no receiver nobody")
	wantProblem(t, send(h, "POST", "/alerts/deliveries/redrive", `{"receiver":"ops","id":"other"}`), 404, "no such delivery")
	if len(k.silences)+len(k.asked) > 0 {
		t.Errorf("%v, %v", k.silences, k.asked)
	}
	wantProblem(t, send(serve(t, setup{Store: recordsIn(t)}), "GET", "/alerts", ""), 404, "knows of no alerts")
}

func TestWhoSeesSomeServicesSeesNoAlerts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	token, err := access.Mint("ci", access.Admin)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("tokens:\n  - {name: ci, hash: %s, role: admin, services: [bank]}\n", token.Hash)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tokens, err := access.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	h := serve(t, setup{Store: recordsIn(t), Alerts: &known{}, Guard: access.New(access.Config{Tokens: tokens})})
	wantProblem(t, get(h, "/api/v1/alerts", "Authorization", "Bearer "+token.Token), 403, "your token is for some")
}
