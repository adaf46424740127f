package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// contractCases are how many requests are made of each operation.
func contractCases() string {
	if os.Getenv("TORTURE") != "" {
		return "2000"
	}
	return "40"
}

// A fuzzer that knows the API's own description finds no answer that this does not describe.
func TestTheAPIIsAsDescribed(t *testing.T) {
	installing := exec.Command("../../infra/testservers/install", "schemathesis")
	installing.Stderr = os.Stderr
	install, err := installing.Output()
	if err != nil {
		t.Fatal(err)
	}
	demo := waybill(t, append([]string{"demo", "-o", "json"}, loopback(t, demoServices...)...)...)
	var look firstLook
	if err := json.Unmarshal([]byte(demo.firstLine(t)), &look); err != nil {
		t.Fatal(err)
	}
	server := strings.TrimSuffix(look.URL, "/?id="+look.CorrelationID)
	document := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(document, withKnownIDs(t, server, ask(t, server, look.CorrelationID)), 0o600); err != nil {
		t.Fatal(err)
	}

	cases := 0
	for _, operations := range [][]string{
		{"--exclude-operation-id", "tail", "--exclude-operation-id", "erase-journey"}, // a tail has no end
		{"--include-operation-id", "erase-journey"},                                   // last: it takes IDs that others have answered with
	} {
		cases += fuzz(t, strings.TrimSpace(string(install)), append([]string{"run", document, "--url", server}, operations...))
	}
	if cases < 800 {
		t.Errorf("only %d cases were made", cases)
	}
	t.Logf("%d cases", cases)
}

// fuzz returns how many requests have found nothing.
func fuzz(t *testing.T, schemathesis string, args []string) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), schemathesis, append(args,
		"--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,unsupported_method",
		"--phases", "examples,coverage,fuzzing", "--max-examples", contractCases(), "--seed", "1", "--workers", "2", "--continue-on-failure", "--no-color")...)
	cmd.Dir = t.TempDir() // where it keeps what it has found
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	generated := regexp.MustCompile(`([0-9]+) generated`).FindSubmatch(out)
	if generated == nil {
		t.Fatalf("no count of cases in\n%s", out)
	}
	n, _ := strconv.Atoi(string(generated[1]))
	return n
}

// withKnownIDs is the server's description of itself, in which some IDs are those of a journey
// that is there, so that not all answers are that nothing is.
func withKnownIDs(t *testing.T, server string, j *journey.Journey) []byte {
	t.Helper()
	res, err := http.Get(server + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	id := j.CorrelationID
	known := map[string][]any{
		"get /api/v1/journeys/{id} id":        {id, strings.ToUpper(id), id[:12], id[len(id)-8:]},
		"get /api/v1/journeys/{id}/diff id":   {id},
		"get /api/v1/journeys/{id}/export id": {id},
		"get /api/v1/records/context id":      {record.EventID(j.Records[0].Node, j.Records[0].Sequence)},
		"get /api/v1/usual/{kind} kind":       {j.Kind, url.PathEscape(j.Kind)},
		"get /api/v1/records/facets field":    {"service.name", "log.level"},
		"get /api/v1/journeys q":              {"verdict:delivered", "visited:bank took>1ms"},
		"get /api/v1/records q":               {"service:bank", "since:1h credited"},
	}
	for path, item := range document["paths"].(map[string]any) {
		for method, operation := range item.(map[string]any) {
			parameters, _ := operation.(map[string]any)["parameters"].([]any)
			for _, p := range parameters {
				p := p.(map[string]any)
				name := method + " " + path + " " + p["name"].(string)
				if ids := known[name]; ids != nil {
					p["schema"] = map[string]any{"anyOf": []any{map[string]any{"enum": ids}, p["schema"]}}
					delete(known, name)
				}
			}
		}
	}
	for name := range known {
		t.Errorf("the API has no %s", name)
	}
	if text, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	return text
}
