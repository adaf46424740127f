package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// up takes in what others send, from those who have the token.
func TestUpTakesInOpenTelemetryAndLines(t *testing.T) {
	p := waybill(t, append([]string{"up", "--token", "secret"}, loopback(t)...)...)
	collector := p.says(t, `collector is running.* admin=(\S+)`)
	otlp := p.says(t, `collector is running.* otlp_http=(\S+)`)
	if grpc := p.says(t, `collector is running.* otlp_grpc=(\S+)`); !strings.HasPrefix(grpc, "http://127.0.0.1:") {
		t.Errorf("gRPC at %s", grpc)
	}
	server := p.says(t, `query is running.* url=(\S+)`)

	do := func(method, url, media, token, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", media)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(answer)
	}
	line := `{"ts":1700000000,"msg":"a line","service":"mail","correlation_id":"Order-1"}`
	exported := `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1700000000000000001","body":{"stringValue":"a log"},"attributes":[{"key":"correlation.id","value":{"stringValue":"Order-1"}}]}]}]}]}`
	for _, way := range []struct{ url, media, body string }{
		{collector + "/api/v1/records", "application/x-ndjson", line}, {otlp + "/v1/logs", "application/json", exported},
	} {
		if code, answer := do(http.MethodPost, way.url, way.media, "wrong", way.body); code != http.StatusUnauthorized {
			t.Errorf("%s without the token: %d %s", way.url, code, answer)
		}
		if code, answer := do(http.MethodPost, way.url, way.media, "secret", way.body); code != http.StatusOK {
			t.Errorf("%s: %d %s", way.url, code, answer)
		}
	}
	eventually(t, time.Minute, func() string {
		code, answer := do(http.MethodGet, server+"/api/v1/journeys/Order-1", "", "secret", "")
		if code != http.StatusOK || !strings.Contains(answer, `"message":"a line"`) || !strings.Contains(answer, `"message":"a log"`) {
			return fmt.Sprint(code, answer)
		}
		return ""
	})
	for _, open := range []string{"/healthz", "/readyz", "/metrics"} {
		if code, _ := do(http.MethodGet, collector+open, "", "", ""); code != http.StatusOK {
			t.Errorf("%s: %d", open, code)
		}
	}
	if code := p.stop(t); code != 0 {
		t.Errorf("stopped with %d", code)
	}
}
