package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/query"
)

func of(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := client.New(client.Config{Server: s.URL + "/", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func problem(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func TestAJourneyIsAskedForAsItIsSpelt(t *testing.T) {
	c := of(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/api/v1/journeys/50%25%2Fa%3Fb%23c" || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("asked for %s with %q", r.URL.EscapedPath(), r.Header.Get("Authorization"))
		}
		fmt.Fprint(w, `{"correlation_id":"a","verdict":"delivered","record_count":1,"records":[]}`)
	})
	j, err := c.Journey(t.Context(), "50%/a?b#c")
	if err != nil || j.CorrelationID != "a" || j.Verdict != "delivered" || j.RecordCount != 1 {
		t.Errorf("%+v %v", j, err)
	}
}

func TestWhatAServerRefusesIsToldWhole(t *testing.T) {
	asOf := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	c := of(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Waybill-As-Of", asOf.Format(time.RFC3339Nano))
		problem(w, 409, `{"detail":"several","field":"q","column":7,"choices":[{"correlation_id":"a","verdict":"stalled"},{"correlation_id":"b"}]}`)
	})
	_, err := c.Journey(t.Context(), "a")
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != 409 || refused.Error() != "several" || refused.Field != "q" || refused.Column != 7 || len(refused.Choices) != 2 ||
		refused.Choices[0].Verdict != "stalled" || !refused.Through.Equal(asOf) || refused.Passes() {
		t.Errorf("got %+v", err)
	}
}

func TestWhatIsNoWaybillServerIsSaidToBeNone(t *testing.T) {
	c := of(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello") })
	if _, err := c.Journey(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "may not be a Waybill server") {
		t.Errorf("got %v", err)
	}
	c = of(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	if _, err := c.Journey(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "418") {
		t.Errorf("got %v", err)
	}
	for _, server := range []string{"localhost:7600", "ftp://a", "http://", "::"} {
		if _, err := client.New(client.Config{Server: server}); err == nil || !strings.Contains(err.Error(), "want http://") {
			t.Errorf("%s: %v", server, err)
		}
	}
	if _, err := client.New(client.Config{CAFile: "client_test.go"}); err == nil || !strings.Contains(err.Error(), "no certificate") {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatIsNotThereIsNamed(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	c, err := client.New(client.Config{Server: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Journey(t.Context(), "a")
	var away *client.Unreachable
	if !errors.As(err, &away) || away.Server != s.URL || !strings.Contains(err.Error(), "refused") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("why")
	cancel(why)
	if _, err := c.Journey(ctx, "a"); !errors.Is(err, why) {
		t.Errorf("of a question that was called off: %v", err)
	}
}

// listed serves n journeys by pages, the cursor being how many have been given.
func listed(t *testing.T, n int, before func(w http.ResponseWriter, from int) bool) (*client.Client, *[]url.Values) {
	var asked []url.Values
	return of(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		asked = append(asked, q)
		from, _ := strconv.Atoi(q.Get("cursor"))
		limit, _ := strconv.Atoi(q.Get("limit"))
		if before != nil && before(w, from) {
			return
		}
		out := query.Journeys{Journeys: []query.Summary{}}
		for i := from; i < min(n, from+limit); i++ {
			out.Journeys = append(out.Journeys, query.Summary{CorrelationID: strconv.Itoa(i)})
		}
		if from+limit < n {
			out.Next = strconv.Itoa(from + limit)
		}
		json.NewEncoder(w).Encode(out)
	}), &asked
}

func TestASearchReadsAsManyPagesAsItTakes(t *testing.T) {
	c, asked := listed(t, 1203, nil)
	var got []string
	each := func(s *query.Summary) error {
		got = append(got, s.CorrelationID)
		return nil
	}
	found, err := c.Journeys(t.Context(), client.Search{Query: "a b"}, each)
	if err != nil || found.Shown != 1203 || found.More || len(got) != 1203 || got[1202] != "1202" || len(*asked) != 3 || (*asked)[0].Get("q") != "a b" {
		t.Errorf("%d, %+v, %v, %v", len(got), found, err, *asked)
	}
	got = nil
	found, err = c.Journeys(t.Context(), client.Search{Limit: 502}, each)
	if err != nil || len(got) != 502 || !found.More {
		t.Errorf("%d, %+v, %v", len(got), found, err)
	}
	if found, err = c.Journeys(t.Context(), client.Search{Limit: 1203}, each); err != nil || found.More {
		t.Errorf("%+v, %v", found, err)
	}
	enough := errors.New("enough")
	if found, err = c.Journeys(t.Context(), client.Search{}, func(*query.Summary) error { return enough }); !errors.Is(err, enough) || found.Shown != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestASearchThatHasBegunOutlastsAServerThatIsAwayForAMoment(t *testing.T) {
	failed := 0
	c, _ := listed(t, 1203, func(w http.ResponseWriter, from int) bool {
		if from == 500 && failed < 2 {
			failed++
			problem(w, 503, `{"detail":"the store does not answer now"}`)
			return true
		}
		return false
	})
	found, err := c.Journeys(t.Context(), client.Search{}, func(*query.Summary) error { return nil })
	if err != nil || found.Shown != 1203 || failed != 2 {
		t.Errorf("%+v, %v after %d failures", found, err, failed)
	}
	c, _ = listed(t, 10, func(w http.ResponseWriter, _ int) bool {
		failed++
		problem(w, 503, `{"detail":"the store does not answer now"}`)
		return true
	})
	failed = 0
	var refused *client.Error
	if _, err := c.Journeys(t.Context(), client.Search{}, nil); !errors.As(err, &refused) || !refused.Passes() || failed != 1 {
		t.Errorf("one that has not begun: %v after %d", err, failed)
	}
}

func TestASearchThatComesNoFurtherEnds(t *testing.T) {
	c := of(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"records":[],"next":"x","partial":true}`)
	})
	if _, err := c.Records(t.Context(), client.Search{}, nil); err == nil || !strings.Contains(err.Error(), "no further") {
		t.Errorf("got %v", err)
	}
}

func TestRecordsComeAsTheyWereWritten(t *testing.T) {
	c := of(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("order") != "oldest" {
			t.Errorf("asked %v", r.URL.Query())
		}
		fmt.Fprint(w, `{"records":[{"b":1,"a":"<\u00e9>"},{ "x":2 }],"next":"","partial":false,"as_of":"2026-11-23T14:00:00Z"}`)
	})
	var got []string
	found, err := c.Records(t.Context(), client.Search{OldestFirst: true}, func(raw []byte) error {
		got = append(got, string(raw))
		return nil
	})
	if err != nil || strings.Join(got, "\n") != "{\"b\":1,\"a\":\"<\\u00e9>\"}\n{ \"x\":2 }" || found.AsOf == nil {
		t.Errorf("%q %+v %v", got, found, err)
	}
}

func TestAnExportThatBreaksOffIsSaidToBeBroken(t *testing.T) {
	c := of(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "one\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	var out bytes.Buffer
	var away *client.Unreachable
	if err := c.Raw(t.Context(), "a", &out); !errors.As(err, &away) || out.String() != "one\n" {
		t.Errorf("%q %v", out.String(), err)
	}
	if err := c.HTML(t.Context(), "a", full{}); !errors.Is(err, errFull) {
		t.Errorf("who cannot write is told %v", err)
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestConditionsAreAddedToAnyQuery(t *testing.T) {
	for q, want := range map[string]string{
		"":                       "since:1h level:error",
		"a OR b":                 "(a OR b) since:1h level:error",
		"a":                      "(a) since:1h level:error",
		"verdict:stalled a":      "verdict:stalled a since:1h level:error",
		"until:2026-11-23 a b":   "until:2026-11-23 a b since:1h level:error",
		"colour:red OR (":        "colour:red OR ( since:1h level:error", // the server says what is wrong
		"  service:bank   ":      "(service:bank) since:1h level:error",
		"NOT a OR -b service:\"": "NOT a OR -b service:\" since:1h level:error",
	} {
		if got := client.With(q, "since:1h", "level:error"); got != want {
			t.Errorf("%q becomes %q, want %q", q, got, want)
		}
	}
	if got := client.With(" a OR b "); got != "a OR b" {
		t.Errorf("got %q", got)
	}
	at := time.Date(2026, 11, 23, 14, 0, 0, 5, time.UTC)
	if got := client.Since("a", at); got != "(a) since:2026-11-23T14:00:00.000000005Z" {
		t.Errorf("got %q", got)
	}
	if got := client.Since("a since:1h", at); got != "a since:1h" {
		t.Errorf("got %q", got)
	}
}
