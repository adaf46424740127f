package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/query/live"
)

// asked is what a server was asked on one connection.
type asked struct{ q, resume string }

// tails serves one script a connection: "record:TOKEN:DATA", "receipt:TOKEN:JSON", "gap:…", "beat",
// or "503" and the like. After a script its connection is cut; after the last one it stays.
func tails(t *testing.T, scripts ...string) (*client.Client, *[]asked) {
	var questions []asked
	var n atomic.Int32
	return of(t, func(w http.ResponseWriter, r *http.Request) {
		at := int(n.Add(1)) - 1
		questions = append(questions, asked{r.URL.Query().Get("q"), r.Header.Get("Last-Event-ID")})
		script := scripts[min(at, len(scripts)-1)]
		if status, ok := map[string]int{"503": 503, "401": 401, "400": 400}[script]; ok {
			problem(w, status, `{"detail":"no"}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "retry: 2000\n\n")
		w.(http.Flusher).Flush()
		for _, line := range strings.Split(script, "\n") {
			if line == "beat" {
				fmt.Fprint(w, ":\n\n")
				continue
			}
			name, rest, _ := strings.Cut(line, ":")
			token, data, _ := strings.Cut(rest, ":")
			if name != "" {
				fmt.Fprintf(w, "id: %s\nevent: %s\ndata: %s\n\n", token, name, strings.ReplaceAll(data, "⏎", "\ndata: "))
			}
		}
		w.(http.Flusher).Flush()
		if at >= len(scripts)-1 {
			<-r.Context().Done()
		}
	}), &questions
}

// watch watches until enough records have come.
func watch(t *testing.T, c *client.Client, q string, enough int) (records []string, receipts []live.Receipt, cuts []string, counts live.Receipt, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	done := errors.New("enough")
	counts, err = c.Tail(ctx, q, client.Watcher{
		Event: func(e *live.Event) error {
			switch {
			case e.Receipt != nil:
				receipts = append(receipts, *e.Receipt)
			case e.Gap != nil:
				records = append(records, fmt.Sprintf("gap %d-%d", e.Gap.From, e.Gap.Until))
			default:
				records = append(records, string(e.Record))
			}
			if len(records) >= enough {
				return done
			}
			return nil
		},
		Cut: func(err error, _ time.Duration) { cuts = append(cuts, err.Error()) },
	})
	if errors.Is(err, done) {
		err = nil
	}
	return records, receipts, cuts, counts, err
}

func TestTheTailGoesOnWhereItWasCut(t *testing.T) {
	c, questions := tails(t,
		"beat\nrecord:1:{a}\nreceipt:2:{\"matched\":4,\"shown\":1,\"skipped\":3}\nrecord:3:{b}",
		"503",
		"gap:4:{\"partition\":0,\"from\":7,\"until\":9}\nrecord:5:{c⏎d}\nreceipt:6:{\"matched\":3,\"shown\":1,\"skipped\":2}\nfuture:7:{}\nrecord:8:{e}",
	)
	records, receipts, cuts, counts, err := watch(t, c, "q", 5)
	if err != nil || !slices.Equal(records, []string{"{a}", "{b}", "gap 7-9", "{c\nd}", "{e}"}) {
		t.Errorf("%q %v", records, err)
	}
	if want := []asked{{"q", ""}, {"q", "3"}, {"q", "3"}}; !slices.Equal(*questions, want) {
		t.Errorf("asked %v, want %v", *questions, want)
	}
	if len(cuts) != 2 || !strings.Contains(cuts[0], "cut") {
		t.Errorf("cuts %q", cuts)
	}
	if len(receipts) != 2 || receipts[1].Shown != 3 || receipts[1].Skipped != 5 || receipts[1].Matched != 8 {
		t.Errorf("receipts %+v", receipts)
	}
	if counts.Shown != 4 || counts.Skipped != 5 || counts.Matched != 9 {
		t.Errorf("in the end %+v", counts)
	}
}

func TestATailThatWasCutBeforeAnythingCameAsksFromWhenItBegan(t *testing.T) {
	c, questions := tails(t, "beat", "record:1:{a}")
	if _, _, _, _, err := watch(t, c, "a OR b", 1); err != nil {
		t.Fatal(err)
	}
	q := (*questions)[1].q
	since, ok := strings.CutPrefix(q, "(a OR b) since:")
	at, err := time.Parse(time.RFC3339Nano, since)
	if !ok || err != nil || time.Since(at) > time.Minute {
		t.Errorf("asked %q", q)
	}
}

func TestATailFailsForWhatDoesNotPass(t *testing.T) {
	c, questions := tails(t, "401")
	var refused *client.Error
	if _, _, _, _, err := watch(t, c, "", 1); !errors.As(err, &refused) || refused.Status != 401 || len(*questions) != 1 {
		t.Errorf("%v after %d questions", err, len(*questions))
	}
	c, questions = tails(t, "record:1:{a}", "400") // the token of a topic that was made anew, say
	if records, _, _, counts, err := watch(t, c, "", 2); !errors.As(err, &refused) || len(records) != 1 || counts.Shown != 1 || len(*questions) != 2 {
		t.Errorf("%v %q %+v after %d questions", err, records, counts, len(*questions))
	}
}

func TestATailWithoutAServerFailsAtOnce(t *testing.T) {
	c, err := client.New(client.Config{Server: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	var away *client.Unreachable
	if _, _, _, _, err := watch(t, c, "", 1); !errors.As(err, &away) {
		t.Errorf("got %v", err)
	}
}

// What a receipt says was sent and has not come counts as skipped.
func TestWhatIsLostOnTheWayIsSkipped(t *testing.T) {
	c, _ := tails(t, "record:1:{a}\nreceipt:2:{\"matched\":3,\"shown\":3,\"skipped\":0}", "record:3:{b}")
	if _, receipts, _, counts, err := watch(t, c, "", 2); err != nil || receipts[0].Shown != 1 || receipts[0].Skipped != 2 || counts.Skipped != 2 || counts.Shown != 2 {
		t.Errorf("%+v %+v %v", receipts, counts, err)
	}
}

func TestAnEventThatIsTooLongEndsTheConnection(t *testing.T) {
	c, _ := tails(t, "record:1:"+strings.Repeat("a", 17<<20), "record:2:"+strings.Repeat("b", 2<<20))
	records, _, cuts, _, err := watch(t, c, "", 1)
	if err != nil || len(records[0]) != 2<<20 || len(cuts) != 1 || !strings.Contains(cuts[0], "16 MiB") {
		t.Errorf("%d records, %.200q, %v", len(records), cuts, err)
	}
}

func TestATailSaysWhenNothingMoreHasComeYet(t *testing.T) {
	c, _ := tails(t, "record:1:{a}\nrecord:2:{b}")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var said []string
	_, err := c.Tail(ctx, "", client.Watcher{
		Event: func(e *live.Event) error { said = append(said, string(e.Record)); return nil },
		Pause: func() error {
			if len(said) == 2 {
				said = append(said, "pause")
				cancel()
			}
			return nil
		},
	})
	if !errors.Is(err, context.Canceled) || !slices.Equal(said, []string{"{a}", "{b}", "pause"}) {
		t.Errorf("%q %v", said, err)
	}
}
