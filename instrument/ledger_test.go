package instrument_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/instrument"
)

func TestTheFinalLedgerSaysThatAllIsSettled(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := k.service(t, "bank")
	for range 5 {
		in.Logger().Info("written")
	}
	before := time.Now()
	shutdown(t, in)
	ledgers := k.ledgers(t, in)
	if len(ledgers) != 1 {
		t.Fatalf("%d ledgers", len(ledgers))
	}
	l := ledgers[0]
	if l.Service != "bank" || l.Last != 5 || l.Unsettled != 6 || !l.Stopped || len(l.Dropped) != 0 || l.Refused != 0 || l.Time.Before(before.Add(-time.Second)) {
		t.Errorf("got %+v", l)
	}
}

func TestAnIdleInstanceSaysSoWhenItStops(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, LedgerEvery: 10 * time.Millisecond})
	until(t, "it is connected", func() bool { return len(k.ledgers(t, in)) > 0 })
	shutdown(t, in)
	ledgers := k.ledgers(t, in)
	if l := ledgers[len(ledgers)-1]; l.Last != 0 || l.Unsettled != 1 || !l.Stopped {
		t.Errorf("got %+v", l)
	}
}

func TestLedgersAreWrittenNowAndThen(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, LedgerEvery: 50 * time.Millisecond})
	for range 3 {
		in.Logger().Info("written")
	}
	until(t, "a ledger says that all is settled", func() bool {
		ledgers := k.ledgers(t, in)
		return len(ledgers) >= 3 && ledgers[len(ledgers)-1].Unsettled == 4
	})
	all := k.ledgers(t, in)
	for i, l := range all {
		if l.Stopped || l.Unsettled > l.Last+1 {
			t.Errorf("got %+v", l)
		}
		if i > 0 {
			if gap := l.Time.Sub(all[i-1].Time); gap < 35*time.Millisecond {
				t.Errorf("%v between ledgers, want 50ms less a fifth", gap)
			}
		}
	}
}

func TestALedgerBeforeKafkaHasAllSaysWhatIsUnsettled(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	// The topic of the records is not there yet, and the broker makes none by itself.
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Topic: "waybill.late", LedgerEvery: 20 * time.Millisecond})
	in.Logger().Info("waits for its topic")
	until(t, "a ledger tells", func() bool {
		ledgers := k.ledgers(t, in)
		return len(ledgers) > 0 && ledgers[len(ledgers)-1].Last == 1
	})
	ledgers := k.ledgers(t, in)
	if l := ledgers[len(ledgers)-1]; l.Unsettled != 1 || l.Stopped {
		t.Errorf("got %+v", l)
	}
	k.createTopic(t, "waybill.late", nil)
	flushed(t, in)
	if got := k.messages(t, "waybill.late"); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

// That Kafka takes ledgers says nothing of records.
func TestALedgerThatArrivesHidesNoError(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Topic: "waybill.late", LedgerEvery: 10 * time.Millisecond})
	in.Logger().Info("waits for its topic")
	until(t, "Health names the error", func() bool { return in.Health().Err != nil })
	before := len(k.ledgers(t, in))
	until(t, "ledgers arrive", func() bool {
		if in.Health().Err == nil {
			t.Fatal("the error is gone, though no record has arrived")
		}
		return len(k.ledgers(t, in)) > before+5
	})
	k.createTopic(t, "waybill.late", nil)
	flushed(t, in)
	if h := in.Health(); h.Err != nil {
		t.Errorf("health %+v once records flow", h)
	}
}

// Kafka refuses a whole batch for one record in it.
func TestARecordLargerThanTheTopicAllowsIsDroppedAlone(t *testing.T) {
	t.Parallel()
	k := startKafka(t, "max.message.bytes=2000")
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, LedgerEvery: 20 * time.Millisecond})
	large := map[int]bool{7: true, 40: true, 41: true, 99: true}
	for i := 1; i <= 100; i++ {
		if large[i] {
			in.Logger().Info("large", "text", noise(4000))
		} else {
			in.Logger().Info(fmt.Sprint("small ", i))
		}
	}
	all := k.records(t, in)
	if len(all) != 96 {
		t.Errorf("%d records arrived, want 96", len(all))
	}
	for _, r := range all {
		if want := fmt.Sprint("small ", r.Sequence); r.Message != want {
			t.Errorf("number %d says %q", r.Sequence, r.Message)
		}
	}
	in.Logger().Info("and on")
	if r := k.last(t, in); r.Message != "and on" || r.Sequence != 101 {
		t.Errorf("got %s", r.Raw)
	}
	if h := in.Health(); h.Err != nil || h.Bytes != 0 {
		t.Errorf("health %+v", h)
	}
	shutdown(t, in)
	ledgers := k.ledgers(t, in)
	l := ledgers[len(ledgers)-1]
	want := "[{7 7 0  R} {40 41 0  R} {99 99 0  R}]"
	if got := strings.ReplaceAll(fmt.Sprint(l.Dropped), "larger than the topic's max.message.bytes", "R"); got != want || !l.Stopped || l.Last != 101 {
		t.Errorf("dropped %s, want %s", got, want)
	}
}

// A topic that takes no batch of the usual size takes small ones.
func TestManySmallRecordsReachATopicOfSmallBatches(t *testing.T) {
	t.Parallel()
	k := startKafka(t, "max.message.bytes=2000")
	in := k.service(t, "bank")
	for range 300 {
		in.Logger().Info("small", "text", noise(200))
	}
	holds(t, k.records(t, in), 300)
	shutdown(t, in)
	ledgers := k.ledgers(t, in)
	if l := ledgers[len(ledgers)-1]; len(l.Dropped) != 0 || l.Unsettled != 301 {
		t.Errorf("got %+v", l)
	}
}
