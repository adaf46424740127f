package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/query"
)

func post(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestADeadLetterIsShownAndReplayed(t *testing.T) {
	var log bytes.Buffer
	var replayed []query.LetterAt
	h := serve(t, setup{
		Store: recordsIn(t), Logger: slog.New(slog.NewJSONHandler(&log, nil)),
		Letter: func(_ context.Context, at query.LetterAt) (*query.WholeLetter, error) {
			switch at.Offset {
			case 17:
				return &query.WholeLetter{Letter: query.Letter{ID: at.String(), Reason: "not JSON"}, Headers: []query.LetterHeader{}, Data: []byte{0xff, 0}}, nil
			case 18:
				return nil, query.ErrNoLetter
			}
			return nil, errors.New("kafka:9092 is on fire")
		},
		Replay: func(_ context.Context, at query.LetterAt) (string, error) {
			switch at.Offset {
			case 17:
				replayed = append(replayed, at)
				return "waybill.records", nil
			case 18:
				return "", query.ErrNoLetter
			case 19:
				return "", fmt.Errorf("%w: it holds 3 of 9 bytes", query.ErrNoReplay)
			}
			return "", errors.New("kafka:9092 is on fire")
		},
	})
	const letters = "/api/v1/deadletters/2/"
	var l struct {
		ID   string
		Data []byte
		Text *string
	}
	w := get(h, letters+"17")
	if err := json.Unmarshal(w.Body.Bytes(), &l); err != nil || w.Code != 200 || l.ID != "2/17" || !bytes.Equal(l.Data, []byte{0xff, 0}) || l.Text != nil {
		t.Errorf("%d %v %s", w.Code, err, w.Body)
	}
	wantProblem(t, get(h, letters+"18"), 404, "no dead letter 2/18")
	away := get(h, letters+"20")
	if wantProblem(t, away, 503, "Kafka does not answer now"); strings.Contains(away.Body.String(), "fire") || away.Header().Get("Retry-After") == "" {
		t.Errorf("%v %s", away.Header(), away.Body)
	}
	if !strings.Contains(log.String(), "on fire") {
		t.Errorf("the log does not say why: %s", log.String())
	}

	if w := post(h, letters+"17/replay"); w.Code != 200 || !strings.Contains(w.Body.String(), `"topic":"waybill.records"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	wantProblem(t, post(h, letters+"18/replay"), 404, "no dead letter 2/18")
	wantProblem(t, post(h, letters+"19/replay"), 409, "3 of 9 bytes")
	wantProblem(t, post(h, letters+"20/replay"), 503, "Kafka does not answer now")
	wantProblem(t, post(h, letters+"x/replay"), 400, "integer")
	wantProblem(t, get(h, letters+"17/replay"), 405, "")
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://elsewhere.example"}} {
		wantProblem(t, post(h, letters+"17/replay", header...), 403, "another web site")
	}
	if len(replayed) != 1 {
		t.Errorf("%v were replayed", replayed)
	}
	for _, noted := range []string{`"msg":"dead letter accessed"`, `"route":"POST /api/v1/deadletters/{partition}/{offset}/replay"`, `"id":"2/17"`} {
		if !strings.Contains(log.String(), noted) {
			t.Errorf("no note has %s: %s", noted, log.String())
		}
	}
}

func TestTheLargestLagsAreListed(t *testing.T) {
	var away error
	now := time.Now()
	h := serve(t, setup{Store: recordsIn(t), Lags: func() ([]evidence.Lag, error) {
		return []evidence.Lag{
			{Group: "a", Topic: "orders", Partition: 0, Committed: 5, End: 5, Members: true, AsOf: now}, {Group: "a", Topic: "orders", Partition: 1, Committed: 5, End: 9, AsOf: now},
			{Group: "b", Topic: "orders", Partition: 0, Committed: -1, End: 9, AsOf: now}, {Group: "c", Topic: "waybill.records", Committed: 1, End: 4, Own: true, AsOf: now},
		}, away
	}})
	f := func(limit int, more bool, want string) {
		t.Helper()
		got := ""
		lags := answerOf[query.Lags](t, h, fmt.Sprintf("/api/v1/lag?limit=%d", limit))
		for _, l := range lags.Lags {
			lag := "?"
			if l.Lag != nil {
				lag = fmt.Sprint(*l.Lag)
			}
			got += fmt.Sprintf("%s/%d:%s ", l.Group, l.Partition, lag)
		}
		if got != want || lags.More != more || lags.Behind != nil || lags.AsOf != nil {
			t.Errorf("%d: %s, more: %v; want %s", limit, got, lags.More, want)
		}
	}
	f(4, false, "a/0:0 a/1:4 b/0:? c/0:3 ")
	f(2, true, "a/1:4 b/0:? ")
	away = errors.New("on fire")
	wantProblem(t, get(h, "/api/v1/lag"), 503, "Kafka does not answer now")
}
