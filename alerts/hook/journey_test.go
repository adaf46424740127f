package hook

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/instrument/instrumenttest"
	"github.com/waybill-log/waybill/journey"
)

func TestTheDeliveriesOfANotificationAreAJourney(t *testing.T) {
	rec := instrumenttest.New(t)
	hooks := rec.Service("waybill-alerts")
	var c caught
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		c.catch(r)
		if len(c.path) < 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	f := func(name string, fallback string) Receiver {
		r := webhookTo(url+"/sEcReT-path", func(r *Receiver) { r.Webhook.URLFile = file(t, r.Webhook.URL); r.Webhook.URL = "" })
		r.Name, r.Fallback, r.Retry = name, fallback, Retry{Attempts: 3, First: time.Millisecond}
		return r
	}
	m, err := New(Config{Receivers: []Receiver{f("ops", ""), f("dead", "stand-in"), f("lost", ""), f("stand-in", "")}, Instrument: hooks})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(m)
	refusing := &fake{answers: refuse(500)}
	m.receiver("dead").kind, m.receiver("lost").kind = refusing, refusing
	j := newMemory()
	if err := m.Take(0, j, j.all()); err != nil {
		t.Fatal(err)
	}

	notify(t, m, "ops", "g-1")
	want(t, "outcome", ended(t, m, "ops").Outcome, Delivered)
	one := rec.Journey("alert-g-1").Delivered().Saga("ops").Logged("notification queued")
	attempts := 0
	for _, h := range one.Hops {
		if h.Name == "deliver to ops" {
			attempts++
		}
	}
	want(t, "attempts", attempts, 2)
	if strings.Contains(one.String(), "sEcReT") {
		t.Errorf("the journey shows the path:\n%s", one)
	}
	want(t, "the receiver knows it", c.header[1].Get("x-correlation-id"), "alert-g-1")

	notify(t, m, "dead", "g-2")
	want(t, "outcome", ended(t, m, "stand-in").Outcome, Delivered)
	want(t, "outcome at the first", ended(t, m, "dead").Outcome, Failed)
	rec.Journey("alert-g-2").Delivered().Saga("dead").Logged("receiver did not take it, and another gets it")

	notify(t, m, "lost", "g-3")
	want(t, "outcome", ended(t, m, "lost").Outcome, Failed)
	rec.Journey("alert-g-3").Verdict(journey.Exception)
	if _, err := m.Test(context.Background(), "ops"); err != nil {
		t.Fatal(err)
	}
	want(t, "an ID that is none", strings.HasPrefix(Tracking("a b"), "alert-") && !strings.Contains(Tracking("a b"), " "), true)
}

func TestGatheredNotificationsSayWhereTheyWent(t *testing.T) {
	t.Parallel()
	rec := instrumenttest.New(t)
	ops := &fake{}
	r := named("ops")
	r.Ceiling = Ceiling{PerMinute: 60, Burst: 1}
	m := managerOf(t, Config{Receivers: []Receiver{r}, Instrument: rec.Service("waybill-alerts")}, newMemory(), map[string]*fake{"ops": ops})
	defer closeNow(m)
	for _, id := range []string{"g-1", "g-2", "g-3"} {
		notify(t, m, "ops", id)
	}
	for deadline := time.Now().Add(10 * time.Second); len(ops.ids()) < 2 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
	}
	all := ended(t, m, "ops")
	want(t, "gathered", all.Gathered, 2)
	rec.Journey("alert-g-1").Delivered()
	rec.Journey("alert-g-2").Returned("gathered with others into " + all.Tracking)
	rec.Journey(all.Tracking).Delivered().Logged("notifications gathered, since they are more than the ceiling")
}
