package hook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

func TestWhatWasGivenUpIsRedriven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := &fake{answers: refuse(404)}
		j := newMemory()
		receivers := []Receiver{named("ops")}
		m := managerOf(t, Config{Receivers: receivers}, j, map[string]*fake{"ops": ops})
		notify(t, m, "ops", "g-1")
		synctest.Wait()
		want(t, "outcome", only(t, m, "ops").Outcome, Failed)
		closeNow(m)

		ops.answers = nil
		m = managerOf(t, Config{Receivers: receivers}, j, map[string]*fake{"ops": ops}) // the history is there after a restart
		defer closeNow(m)
		want(t, "outcome, read again", only(t, m, "ops").Outcome, Failed)
		notify(t, m, "ops", "g-1")
		synctest.Wait()
		want(t, "what was given up is not queued by itself", len(ops.ids()), 1)
		if err := m.Redrive(t.Context(), "ops", "g-1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want(t, "got", strings.Join(ops.ids(), " "), "g-1 g-1")
		d := m.History("ops")[0]
		want(t, "outcome, redriven", d.Outcome, Delivered)
		want(t, "redriven", d.Redriven, 1)

		err := m.Redrive(t.Context(), "ops", "g-1")
		if !errors.Is(err, ErrRefused) {
			t.Errorf("redriving what was taken: %v", err)
		}
		if err := m.Redrive(t.Context(), "ops", "other"); !errors.Is(err, ErrUnknown) {
			t.Errorf("redriving what nobody knows: %v", err)
		}
		if err := m.Redrive(t.Context(), "nobody", "g-1"); !errors.Is(err, ErrUnknown) {
			t.Errorf("redriving to nobody: %v", err)
		}
	})
}

func TestWhatWaitsIsNotRedriven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := &fake{answers: refuse(400)}
		m := managerOf(t, Config{Receivers: []Receiver{named("ops")}}, newMemory(), map[string]*fake{"ops": ops})
		defer closeNow(m)
		notify(t, m, "ops", "g-1")
		synctest.Wait()
		ops.answers = refuse(503)
		if err := m.Redrive(t.Context(), "ops", "g-1"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := m.Redrive(t.Context(), "ops", "g-1"); !errors.Is(err, ErrRefused) {
			t.Errorf("a second time: %v", err)
		}
		d := m.History("ops")[0]
		want(t, "outcome", d.Outcome, Pending)
		if d.Next == nil || d.Reason == "" {
			t.Errorf("it does not say when and why: %+v", d)
		}
	})
}

func TestATestDeliveryIsInTheHistoryAndUnderTheCeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := &fake{}
		r := named("ops")
		r.Ceiling = Ceiling{PerMinute: 1, Burst: 2}
		j := newMemory()
		m := managerOf(t, Config{Receivers: []Receiver{r}}, j, map[string]*fake{"ops": ops})
		d, err := m.Test(t.Context(), "ops")
		if err != nil || d.Outcome != Delivered || !d.Test || len(d.Attempts) != 1 {
			t.Errorf("%+v, %v", d, err)
		}
		ops.answers = refuse(500)
		if d, err = m.Test(t.Context(), "ops"); err != nil || d.Outcome != Failed || d.Attempts[0].Status != 500 {
			t.Errorf("%+v, %v", d, err)
		}
		if _, err = m.Test(t.Context(), "ops"); !errors.Is(err, ErrRefused) {
			t.Errorf("over the ceiling: %v", err)
		}
		if _, err = m.Test(t.Context(), "nobody"); !errors.Is(err, ErrUnknown) {
			t.Errorf("nobody: %v", err)
		}
		want(t, "history", len(m.History("ops")), 2)
		closeNow(m)
		m = managerOf(t, Config{Receivers: []Receiver{r}}, j, nil)
		defer closeNow(m)
		want(t, "history, read again", len(m.History("ops")), 2)
	})
}

func TestTheHistoryIsARing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		cfg := Config{Receivers: []Receiver{named("ops")}, History: 5}
		m := managerOf(t, cfg, j, map[string]*fake{"ops": {}})
		for i := range 12 {
			notify(t, m, "ops", fmt.Sprint("g-", i))
			time.Sleep(2 * time.Second)
		}
		closeNow(m)
		f := func(size int, ids string) {
			t.Helper()
			cfg.History = size
			m := managerOf(t, cfg, j, map[string]*fake{"ops": {}})
			var got []string
			for _, d := range m.History("ops") {
				got = append(got, d.ID)
			}
			want(t, fmt.Sprint("history of ", size), strings.Join(got, " "), ids)
			if err := j.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			kept := 0
			for key := range j.all() {
				if strings.HasPrefix(key, KeyPrefix+"past/") {
					kept++
				}
			}
			want(t, "kept", kept, len(got))
			closeNow(m)
		}
		f(5, "g-11 g-10 g-9 g-8 g-7")
		f(3, "g-11 g-10 g-9")
		f(8, "g-11 g-10 g-9")
	})
}

func TestReceiversAreReplacedWhileTheyWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, mail := &fake{answers: refuse(503)}, &fake{}
		m := managerOf(t, Config{Receivers: []Receiver{named("ops"), named("mail")}}, newMemory(), map[string]*fake{"ops": old, "mail": mail})
		defer closeNow(m)
		notify(t, m, "ops", "g-1")
		synctest.Wait()
		kept := m.receiver("mail")

		bad := named("ops")
		bad.Fallback = "nobody"
		wantError(t, m.Set([]Receiver{bad}), "nobody")
		if m.receiver("mail") != kept {
			t.Error("receivers that are wrong have replaced what was there")
		}
		moved := named("mail")
		moved.Line = 99
		if err := m.Set([]Receiver{moved}); err != nil {
			t.Fatal(err)
		}
		if m.receiver("mail") != kept {
			t.Error("a receiver that is the same was made anew, and its ceiling with it")
		}
		time.Sleep(time.Minute)
		d := only(t, m, "ops")
		want(t, "outcome", d.Outcome, Failed)
		if !strings.Contains(d.Reason, "no longer in the rules file") {
			t.Errorf("reason is %q", d.Reason)
		}
		wantError(t, m.Notify(t.Context(), note("ops", "g-2")), `receiver "ops"`, "not known here")
	})
}

func TestPartitionsAreTakenAndReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := &fake{answers: func(ctx context.Context, _ int, _ *parcel, a *answer) {
			select {
			case <-time.After(5 * time.Second):
			case <-ctx.Done():
				a.err = ctx.Err()
			}
		}}
		cfg := Config{Receivers: []Receiver{named("ops")}, Place: func(n alerts.Notification) int32 { return int32(len(n.Group)) }}
		j := newMemory()
		m := managerOf(t, cfg, newMemory(), map[string]*fake{"ops": ops})
		defer closeNow(m)
		if err := m.Notify(t.Context(), note("ops", "g-1")); !errors.Is(err, ErrNotOwned) {
			t.Errorf("a partition of nobody: %v", err)
		}
		if err := m.Take(1, j, j.all()); err != nil {
			t.Fatal(err)
		}
		wantError(t, m.Take(1, j, j.all()), "taken")
		for i := range 3 {
			notify(t, m, "ops", fmt.Sprint("g-", i))
		}
		synctest.Wait()
		start := time.Now()
		m.Release(t.Context(), 1) // what is under way may end
		want(t, "release took", time.Since(start), 5*time.Second)
		want(t, "begun", len(ops.ids()), 1)
		if err := m.Notify(t.Context(), note("ops", "g-9")); !errors.Is(err, ErrNotOwned) {
			t.Errorf("released: %v", err)
		}
		next := managerOf(t, cfg, newMemory(), map[string]*fake{"ops": ops})
		defer closeNow(next)
		if err := next.Take(1, j, j.all()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		want(t, "in the end", strings.Join(ops.ids(), " "), "g-0 g-1 g-2")
		want(t, "history", len(next.History("ops")), 3)
	})
}

// Without Kafka nothing is confirmed, and what is confirmed goes out all the same.
func TestAnAbsentJournalKeepsNoAlertFromAnyone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := &fake{answers: func(context.Context, int, *parcel, *answer) { time.Sleep(time.Second) }}
		j := newMemory()
		m := managerOf(t, Config{Receivers: []Receiver{named("ops")}}, j, map[string]*fake{"ops": ops})
		defer closeNow(m)
		for i := range 3 {
			notify(t, m, "ops", fmt.Sprint("g-", i))
		}
		j.mu.Lock()
		j.away = true
		j.mu.Unlock()
		wantError(t, m.Notify(t.Context(), note("ops", "g-3")), "queue notification", "Kafka is away")
		time.Sleep(time.Minute)
		want(t, "got", strings.Join(ops.ids(), " "), "g-0 g-1 g-2")
		j.mu.Lock()
		j.away = false
		j.mu.Unlock()
		notify(t, m, "ops", "g-3")
		time.Sleep(time.Minute)
		want(t, "got", strings.Join(ops.ids(), " "), "g-0 g-1 g-2 g-3")
		want(t, "history", len(m.History("ops")), 4)
	})
}

func TestNotificationsAreBounded(t *testing.T) {
	n := note("ops", "g-1")
	n.Title, n.Text = strings.Repeat("é", 10_000), strings.Repeat("x", 1<<20)+"\xff"
	for i := range 5000 {
		a := n.Alerts[0]
		a.Key, a.Text = fmt.Sprint(i), strings.Repeat("<", 100_000)
		n.Alerts = append(n.Alerts, a)
	}
	got, err := bounded(n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 { // the worst there is
		n.Labels[strings.Repeat("\x01", 120)+fmt.Sprint(i)] = strings.Repeat("\x01", 1000)
	}
	worst, err := bounded(n)
	if err != nil {
		t.Fatal(err)
	}
	p := &parcel{Notification: worst, Members: make([]byte, maxGathered*len(idHash{})), Delivery: newDelivery(worst, "ops", n.Time)}
	for range 20 {
		head := strings.Repeat("<", maxRequestHead)
		p.Delivery.tried(Attempt{Request: head, Answer: head, Error: head[:maxReason]})
	}
	if size := len(encoded(p)); size > 1_000_000 {
		t.Errorf("%d bytes wait", size)
	}
	p.Delivery.Outcome = Failed
	if size := len(encoded(pastOf(p))); size > 1_000_000 {
		t.Errorf("%d bytes are in the history", size)
	}
	if len(got.Title) > maxTitle || !strings.Contains(got.Text, fmt.Sprintf("%d alerts more", 5001-len(got.Alerts))) {
		t.Errorf("title of %d bytes; text ends in %q", len(got.Title), got.Text[len(got.Text)-100:])
	}
	n.Time = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = bounded(n)
	wantError(t, err, "want a year")
	_, err = bounded(alerts.Notification{})
	wantError(t, err, "no ID")
	far := note("ops", "g-1")
	far.Alerts[0].StartsAt = n.Time
	far.Alerts[0].EndsAt = &n.Time
	if got, err = bounded(far); err != nil || got.Alerts[0].EndsAt != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for _, id := range []string{"a b", "é", strings.Repeat("x", 500), "a.b"} {
		if got := webhookID(id); strings.ContainsAny(got, " .é") || len(got) > 200 {
			t.Errorf("webhook-id of %.20q is %q", id, got)
		}
	}
	want(t, "usual webhook-id", webhookID("g-1"), "g-1")
}

// It is asked for while what it was given up with is still being kept, and the process is killed then.
func TestWhatIsRedrivenAtOnceOutlivesACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops := &fake{answers: func(ctx context.Context, n int, _ *parcel, a *answer) {
			if n == 1 {
				a.judge(404, nil, time.Now())
				return
			}
			<-ctx.Done()
			a.err = ctx.Err()
		}}
		j := newMemory()
		j.latency = time.Second
		cfg := Config{Receivers: []Receiver{named("ops")}}
		m := managerOf(t, cfg, j, map[string]*fake{"ops": ops})
		notify(t, m, "ops", "g-1")
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		want(t, "outcome, which is being kept", only(t, m, "ops").Outcome, Failed)
		if err := m.Redrive(t.Context(), "ops", "g-1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		want(t, "begun", len(ops.ids()), 2)
		if err := j.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		next := j.crash(rand.New(rand.NewPCG(1, 1)))
		closeNow(m)
		after := &fake{}
		m = managerOf(t, cfg, next, map[string]*fake{"ops": after})
		defer closeNow(m)
		time.Sleep(time.Minute)
		want(t, "got", strings.Join(after.ids(), " "), "g-1")
	})
}
