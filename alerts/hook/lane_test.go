package hook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Deliveries that wait behind each other share flushes of the journal.
func TestDeliveriesShareFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops, j := &fake{}, newMemory()
		for i := range 100 {
			n := note("ops", fmt.Sprint("g-", i))
			j.kept[waitingKey("ops", n.ID)] = encoded(&parcel{Seq: uint64(i + 1), Notification: n, Delivery: newDelivery(n, "ops", time.Now())})
		}
		m := managerOf(t, Config{Receivers: []Receiver{unbounded("ops")}}, j, map[string]*fake{"ops": ops})
		defer closeNow(m)
		time.Sleep(time.Second)
		synctest.Wait()
		want(t, "delivered", len(ops.got), 100)
		for i, p := range ops.got {
			want(t, "in their order", p.Seq, uint64(i+1))
		}
		if most := 100/maxBegun + 2; j.flushes > most {
			t.Errorf("there were %d flushes, want at most %d", j.flushes, most)
		}
	})
}

// What may have been tried before a crash is told under its own ID, and the rest may be gathered.
func TestWhatMayHaveBeenTriedIsNotGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newMemory()
		for i := range 2 * maxBegun {
			n := note("ops", fmt.Sprint("g-", i))
			j.kept[waitingKey("ops", n.ID)] = encoded(&parcel{Seq: uint64(i + 1), Notification: n, Delivery: newDelivery(n, "ops", time.Now())})
		}
		first := &fake{answers: func(ctx context.Context, n int, _ *parcel, a *answer) {
			if n == 3 { // it is killed while it tries the third
				<-ctx.Done()
				a.err = ctx.Err()
			}
		}}
		m := managerOf(t, Config{Receivers: []Receiver{unbounded("ops")}}, j, map[string]*fake{"ops": first})
		synctest.Wait()
		next := j.crash(rand.New(rand.NewPCG(1, 1)))
		closeNow(m)
		second, slow := &fake{}, named("ops")
		slow.Ceiling = Ceiling{PerMinute: 60, Burst: 1}
		m = managerOf(t, Config{Receivers: []Receiver{slow}}, next, map[string]*fake{"ops": second})
		defer closeNow(m)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		told := map[string]bool{}
		for i := range second.got {
			told[second.got[i].Notification.ID] = true
		}
		for i := 2; i < maxBegun; i++ {
			if id := fmt.Sprint("g-", i); !told[id] {
				t.Errorf("%s is not told under its ID", id)
			}
		}
		want(t, "gathered", sum(second), maxBegun)
	})
}

func TestAReceiverThatFailsAtFirstGetsOneDeliveryUnderOneID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ops, mail := &fake{}, &fake{}
		ops.answers = func(_ context.Context, n int, _ *parcel, a *answer) {
			if n <= 4 {
				a.judge(503, nil, time.Now())
			}
		}
		m := managerOf(t, Config{Receivers: []Receiver{named("ops"), named("mail")}}, newMemory(), map[string]*fake{"ops": ops, "mail": mail})
		defer closeNow(m)
		notify(t, m, "ops", "g-1")
		notify(t, m, "mail", "g-1")
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		want(t, "ops got", strings.Join(ops.ids(), " "), "g-1 g-1 g-1 g-1 g-1")
		want(t, "mail got", strings.Join(mail.ids(), " "), "g-1")
		d := only(t, m, "ops")
		want(t, "outcome", d.Outcome, Delivered)
		want(t, "tries", d.Tries, 5)
		var outcomes []Outcome
		for _, a := range d.Attempts {
			outcomes = append(outcomes, a.Outcome)
		}
		want(t, "attempts", fmt.Sprint(outcomes), "[retried retried retried retried delivered]")
		want(t, "status of the first", d.Attempts[0].Status, 503)
		want(t, "outcome at mail", only(t, m, "mail").Outcome, Delivered)

		notify(t, m, "ops", "g-1") // as after a crash of who decides
		time.Sleep(time.Minute)
		want(t, "ops after the same again", len(ops.ids()), 5)
	})
}

func TestWhatIsFinalIsNotTriedAgain(t *testing.T) {
	f := func(status, tries int) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			ops := &fake{answers: refuse(status)}
			r := named("ops")
			r.Retry.Attempts = 3
			m := managerOf(t, Config{Receivers: []Receiver{r}}, newMemory(), map[string]*fake{"ops": ops})
			defer closeNow(m)
			notify(t, m, "ops", "g-1")
			time.Sleep(time.Hour)
			d := only(t, m, "ops")
			want(t, fmt.Sprintf("tries after %d", status), d.Tries, tries)
			want(t, "outcome", d.Outcome, Failed)
			if !strings.Contains(d.Reason, fmt.Sprint(status)) {
				t.Errorf("reason is %q", d.Reason)
			}
		})
	}
	f(400, 1)
	f(401, 1)
	f(404, 1)
	f(410, 1)
	f(302, 1)
	f(408, 3)
	f(429, 3)
	f(500, 3)
	f(503, 3)
}

func TestBackOffIsJitteredAndBounded(t *testing.T) {
	r := Retry{First: time.Second, Most: 8 * time.Second}.withDefaults()
	for n, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 8 * time.Second, 9: 8 * time.Second, 1000: 8 * time.Second} {
		low, high := most, time.Duration(0)
		for range 1000 {
			d := r.backOff(n)
			low, high = min(low, d), max(high, d)
		}
		if low <= 0 || low > most/10 || high > most || high < most*8/10 {
			t.Errorf("after attempt %d it waits %v to %v, want about 0 to %v", n, low, high, most)
		}
	}
}

func TestRetryAfterIsHonouredWithinBounds(t *testing.T) {
	now := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	f := func(value string, want time.Duration) {
		t.Helper()
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
	f("120", 2*time.Minute)
	f(now.Add(90*time.Second).Format(http.TimeFormat), 90*time.Second)
	f(now.Add(-time.Hour).Format(http.TimeFormat), 0)
	f("99999999999999999999", maxRetryAfter)
	f("-5", 0)
	f("soon", 0)
	f("", 0)

	synctest.Test(t, func(t *testing.T) {
		ops := &fake{answers: func(_ context.Context, n int, _ *parcel, a *answer) {
			if n == 1 {
				a.judge(429, http.Header{"Retry-After": {"100"}}, time.Now())
			}
		}}
		m := managerOf(t, Config{Receivers: []Receiver{named("ops")}}, newMemory(), map[string]*fake{"ops": ops})
		defer closeNow(m)
		notify(t, m, "ops", "g-1")
		synctest.Wait()
		notify(t, m, "ops", "g-2") // it asked for a pause, of everything
		time.Sleep(99 * time.Second)
		want(t, "before the time", len(ops.ids()), 1)
		time.Sleep(2 * time.Second)
		want(t, "after it", strings.Join(ops.ids(), " "), "g-1 g-1 g-2")
	})
	synctest.Test(t, func(t *testing.T) { // a month is not waited
		ops := &fake{answers: func(_ context.Context, n int, _ *parcel, a *answer) {
			if n == 1 {
				a.judge(503, http.Header{"Retry-After": {"2600000"}}, time.Now())
			}
		}}
		m := managerOf(t, Config{Receivers: []Receiver{named("ops")}}, newMemory(), map[string]*fake{"ops": ops})
		defer closeNow(m)
		notify(t, m, "ops", "g-1")
		time.Sleep(maxRetryAfter + time.Second)
		want(t, "after the bound", len(ops.ids()), 2)
	})
}

func TestASlowReceiverHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &fake{answers: func(ctx context.Context, _ int, _ *parcel, a *answer) {
			select {
			case <-time.After(30 * time.Second):
			case <-ctx.Done():
				a.err = ctx.Err()
			}
		}}
		quick := &fake{}
		s := named("slow")
		s.Timeout = 40 * time.Second
		m := managerOf(t, Config{Receivers: []Receiver{s, named("quick")}}, newMemory(), map[string]*fake{"slow": slow, "quick": quick})
		defer closeNow(m)
		for i := range 5 {
			notify(t, m, "slow", fmt.Sprint("s-", i))
			notify(t, m, "quick", fmt.Sprint("q-", i))
		}
		synctest.Wait()
		want(t, "quick at once", len(quick.ids()), 5)
		want(t, "slow at once", len(slow.ids()), 1)
		time.Sleep(151 * time.Second)
		synctest.Wait()
		want(t, "slow in the end", len(slow.ids())-1+sum(slow), 5) // what had waited for more than a minute came in one
		want(t, "gathered", sum(slow), 2)
		for _, d := range m.History("quick") {
			if took := d.Ended.Sub(d.Queued); took != 0 {
				t.Errorf("quick waited %v", took)
			}
		}
	})
}

func TestOneThatNeverAnswersIsTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := &fake{answers: func(ctx context.Context, _ int, _ *parcel, a *answer) {
			<-ctx.Done()
			a.err = ctx.Err()
		}}
		r := named("ops")
		r.Retry.Attempts = 2
		m := managerOf(t, Config{Receivers: []Receiver{r}}, newMemory(), map[string]*fake{"ops": stuck})
		defer closeNow(m)
		notify(t, m, "ops", "g-1")
		time.Sleep(22 * time.Second)
		synctest.Wait()
		d := only(t, m, "ops")
		want(t, "outcome", d.Outcome, Failed)
		want(t, "took", d.Attempts[0].Took, 10*time.Second)
		if !strings.Contains(d.Reason, "longer than 10s") {
			t.Errorf("reason is %q", d.Reason)
		}
	})
}

func TestADeadReceiversFallbackIsToldAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead, mail := &fake{answers: refuse(500)}, &fake{}
		r := named("ops")
		r.Fallback, r.Retry.Attempts = "mail", 3
		m := managerOf(t, Config{Receivers: []Receiver{r, named("mail")}}, newMemory(), map[string]*fake{"ops": dead, "mail": mail})
		defer closeNow(m)
		notify(t, m, "ops", "g-1")
		time.Sleep(5 * time.Minute)
		want(t, "tried", strings.Join(dead.ids(), " "), "g-1 g-1 g-1")
		want(t, "mail got", strings.Join(mail.ids(), " "), "g-1")
		d, instead := only(t, m, "ops"), only(t, m, "mail")
		want(t, "outcome", d.Outcome, Failed)
		want(t, "fallback", d.Fallback, "mail")
		want(t, "outcome at mail", instead.Outcome, Delivered)
		want(t, "instead of", instead.Instead, "ops")
		if title := titleOf(&mail.got[0]); !strings.Contains(title, "instead of ops") {
			t.Errorf("title is %q", title)
		}
		want(t, "payload", payloadOf(&mail.got[0]).Data.Instead, "ops")
		want(t, "known to be dead", m.Receivers()[1].Dead, true)

		notify(t, m, "ops", "g-2") // is tried once, since it was dead
		synctest.Wait()
		want(t, "tried, dead", len(dead.ids()), 4)
		want(t, "mail got g-2 at once", strings.Join(mail.ids(), " "), "g-1 g-2")

		dead.answers = nil
		notify(t, m, "ops", "g-3")
		synctest.Wait()
		want(t, "works again", m.Receivers()[1].Dead, false)
		want(t, "mail", len(mail.ids()), 2)
	})
}

func TestAStormStaysUnderTheCeilingAndNothingIsDropped(t *testing.T) {
	const storm = 10_000
	synctest.Test(t, func(t *testing.T) {
		ops := &fake{}
		times := []time.Time{}
		ops.answers = func(context.Context, int, *parcel, *answer) { times = append(times, time.Now()) }
		r := named("ops")
		r.Ceiling = Ceiling{PerMinute: 30, Burst: 10}
		reg := prometheus.NewPedanticRegistry()
		m := managerOf(t, Config{Receivers: []Receiver{r}, Metrics: reg}, newMemory(), map[string]*fake{"ops": ops})
		defer closeNow(m)
		start := time.Now()
		for i := range storm {
			notify(t, m, "ops", fmt.Sprint("g-", i))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		total, digests := 0, 0
		for i := range ops.got {
			p := &ops.got[i]
			if p.Delivery.Gathered == 0 {
				total++
				continue
			}
			digests++
			total += p.Delivery.Gathered
			if len(p.Notification.Alerts) > maxAlerts || len(encoded(p)) > 900<<10 {
				t.Errorf("a gathered notification has %d alerts and %d bytes", len(p.Notification.Alerts), len(encoded(p)))
			}
			if !strings.Contains(p.Notification.Text, fmt.Sprintf("%d of stalled, firing", p.Delivery.Gathered)) || !strings.Contains(p.Notification.Text, "alerts more are not in this") {
				t.Errorf("text is %q", p.Notification.Text)
			}
		}
		want(t, "told", total, storm)
		if digests == 0 || digests > 5 {
			t.Errorf("%d were gathered", digests)
		}
		for i := range times { // a token bucket: burst and rate from any delivery on
			if n := float64(i+1) - 10; n > times[i].Sub(start).Seconds()/2+1e-9 {
				t.Fatalf("delivery %d came after %v", i+1, times[i].Sub(start))
			}
		}
		n := counts(t, reg)
		want(t, "queued = delivered + gathered", n["waybill_alert_notifications_queued_total"], n["waybill_alert_deliveries_total"]+n["waybill_alert_notifications_gathered_total"])
		want(t, "queued", n["waybill_alert_notifications_queued_total"], float64(storm+digests))
		want(t, "waiting", n["waybill_alert_notifications_waiting"], 0)
		notify(t, m, "ops", "g-5000") // was in a gathered one
		time.Sleep(time.Minute)
		want(t, "after the same again", len(ops.got), digests+storm-sum(ops))
		t.Logf("%d notifications: %d deliveries, %d of them gathered", storm, len(ops.got), digests)
	})
}

// counts are the sums of all counters and gauges.
func counts(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			sums[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sums
}

// sum is how many are inside gathered ones.
func sum(f *fake) (n int) {
	for i := range f.got {
		n += f.got[i].Delivery.Gathered
	}
	return n
}

func TestAResolvedAlertIsResolvedInAGatheredNotification(t *testing.T) {
	r := named("ops").withDefaults()
	fired, other, resolved := note("ops", "a"), note("ops", "b"), note("ops", "a")
	resolved.ID, resolved.Status, resolved.Alerts[0].Status = "a2", "resolved", "resolved"
	other.Severity, fired.Severity = "warning", "info"
	var members []*parcel
	for _, n := range []*parcel{{Notification: fired}, {Notification: other}, {Notification: resolved}} {
		n.Delivery.ID = n.Notification.ID
		members = append(members, n)
	}
	all := gathered(members, &receiver{Receiver: r}, time.Now())
	want(t, "alerts", len(all.Notification.Alerts), 2)
	want(t, "a", all.Notification.Alerts[0].Status, "resolved")
	want(t, "b", all.Notification.Alerts[1].Status, "firing")
	want(t, "status", all.Notification.Status, "firing")
	want(t, "severity", all.Notification.Severity, "critical")
	want(t, "label", all.Notification.Labels["service"], "bank")
	want(t, "ID", all.Delivery.ID, gathered(members, &receiver{Receiver: r}, time.Now()).Delivery.ID)
}

// A process is killed at any moment, 300 times: none is lost, and what a receiver is told twice
// comes under the ID that it came under before.
func TestACrashLosesNothingAndRepeatsUnderTheSameID(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { crashes(t, seed) })
		})
	}
}

func crashes(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	chance := rand.New(rand.NewPCG(seed, 2)) // the receivers'; mu guards it
	var mu sync.Mutex
	under := map[string]map[string]string{"ok": {}, "flaky": {}, "dead": {}, "mail": {}} // receiver → alert → ID
	at := func(name string, answers func(ctx context.Context, p *parcel, a *answer)) *fake {
		return &fake{answers: func(ctx context.Context, _ int, p *parcel, a *answer) {
			mu.Lock()
			lost, wait, late := chance.IntN(4) == 0, time.Duration(chance.IntN(300))*time.Millisecond, chance.IntN(2) == 0
			mu.Unlock()
			receive := func() {
				mu.Lock()
				defer mu.Unlock()
				for _, alert := range p.Notification.Alerts {
					id := p.Notification.ID
					if before := under[name][alert.Key]; before != "" && before != id {
						t.Errorf("%s got alert %s under %s and %s", name, alert.Key, before, id)
					}
					under[name][alert.Key] = id
				}
			}
			if answers != nil {
				if answers(ctx, p, a); a.err != nil {
					return
				}
			}
			if !late {
				receive()
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				a.err = ctx.Err()
				return
			}
			if late {
				receive()
			}
			if lost {
				a.err = errors.New("the answer was lost")
			}
		}}
	}
	fakes := map[string]*fake{
		"ok": at("ok", nil),
		"flaky": at("flaky", func(_ context.Context, _ *parcel, a *answer) {
			mu.Lock()
			defer mu.Unlock()
			if chance.IntN(2) == 0 {
				a.judge(500, nil, time.Now())
			}
		}),
		"dead": at("dead", func(_ context.Context, _ *parcel, a *answer) { a.judge(500, nil, time.Now()) }),
		"mail": at("mail", nil),
	}
	receivers := []Receiver{named("ok"), named("flaky"), named("dead"), named("mail")}
	for i := range receivers {
		receivers[i].Retry = Retry{Attempts: 1000, Age: 24 * time.Hour}
		receivers[i].Ceiling = Ceiling{PerMinute: 1 + random.IntN(300), Burst: 1 + random.IntN(5)}
	}
	receivers[2].Fallback, receivers[2].Retry = "mail", Retry{Attempts: 2}
	j := newMemory()
	j.latency = time.Duration(random.IntN(50)) * time.Millisecond

	var todo []string // what Notify has not confirmed, or whose confirmation its caller has lost
	for i := range 20 + random.IntN(30) {
		todo = append(todo, fmt.Sprint([]string{"ok", "flaky", "dead"}[i%3], "/n-", i))
	}
	all := slices.Clone(todo)
	for range 1 + random.IntN(4) {
		m := managerOf(t, Config{Receivers: receivers}, j, fakes)
		crash := time.After(time.Duration(random.IntN(3000)) * time.Millisecond)
		told := make(chan struct{})
		confirmed := map[string]bool{}
		pace := time.Duration(random.IntN(100)) * time.Millisecond
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(told)
			for _, one := range todo {
				receiver, id, _ := strings.Cut(one, "/")
				if m.Notify(ctx, note(receiver, id)) == nil {
					confirmed[one] = true
				}
				if time.Sleep(pace); ctx.Err() != nil {
					return
				}
			}
		}()
		<-crash
		j = j.crash(random)
		cancel()
		closeNow(m)
		<-told
		todo = slices.DeleteFunc(todo, func(one string) bool { return confirmed[one] && random.IntN(3) > 0 })
	}
	m := managerOf(t, Config{Receivers: receivers}, j, fakes)
	defer closeNow(m)
	for _, one := range todo {
		receiver, id, _ := strings.Cut(one, "/")
		notify(t, m, receiver, id)
	}
	time.Sleep(3 * time.Hour)
	synctest.Wait()
	mu.Lock()
	defer mu.Unlock()
	for _, one := range all {
		receiver, id, _ := strings.Cut(one, "/")
		if receiver == "dead" {
			receiver = "mail"
		}
		if under[receiver][id] == "" {
			t.Errorf("%s never got %s", receiver, id)
		}
	}
	for _, d := range m.History("") {
		if d.Outcome == Pending {
			t.Errorf("%s still waits for %s", d.ID, d.Receiver)
		}
	}
}
