package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// tenMillion fills a store, asks it, kills it and opens it again.
func tenMillion(b *board, dir string) error {
	s := &supply{from: newParcels(1, parcelsPerDay)}
	k, err := startKeeper(dir)
	if err != nil {
		return err
	}
	defer func() { _ = k.kill() }() // whichever it is by then
	if err := fill(b, k, s, dir); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	q := questions{supply: s, random: rand.New(rand.NewPCG(2, 1))}
	if err := busy(b, k, s, &q); err != nil {
		return fmt.Errorf("ask while it is filled: %w", err)
	}
	if err := ask(b, k, &q); err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	k, err = killed(b, k, s, dir)
	return err
}

// fill stores ten million records.
func fill(b *board, k *keeper, s *supply, dir string) error {
	receive, err := receiving(k, (&supply{from: newParcels(3, parcelsPerDay)}).prepare(small), small)
	if err != nil {
		return err
	}
	b.say("calibration: %.2f s of CPU to receive a million records and do nothing with them", receive)
	began := time.Now()
	before, err := k.spent()
	if err != nil {
		return err
	}
	marks := []time.Duration{before} // CPU after each million
	_, err = k.give(large, func(w io.Writer) error { return s.write(w, large) }, func(at kept) error {
		if at.Records%million != 0 {
			return nil
		}
		spent, err := k.spent()
		marks = append(marks, spent)
		b.say("million %d: %.1f s of CPU", len(marks)-1, (spent-marks[len(marks)-2]).Seconds()-receive)
		return err
	}, "put", large)
	if err != nil {
		return err
	}
	took := time.Since(began)
	var ok bool
	if err := k.tell(&ok, "compact"); err != nil {
		return err
	}
	all, err := k.spent()
	if err != nil {
		return err
	}
	_, peak, err := k.memory()
	if err != nil {
		return err
	}
	bytes, err := size(dir)
	if err != nil {
		return err
	}
	millions := len(marks) - 1
	b.say("%.0f records/s; raw %.0f MB a million", large/took.Seconds(), float64(s.bytes)/large)
	each := func(n int) float64 { return (marks[n] - marks[n-1]).Seconds() - receive }
	b.beside("ingest-cpu", "s", (all-before).Seconds()*million/large-receive, victoria.cpu, 17)
	b.bounded("ingest-flat", "x", each(millions)/each(1), 1.15)
	b.beside("sealed-disk", "MB", float64(bytes)/large, victoria.disk, 70)
	b.bounded("ingest-memory", "MB", peak, 250)
	return nil
}

// busy asks while records come as fast as they are taken.
func busy(b *board, k *keeper, s *supply, q *questions) error {
	quiet, err := timed(k, q.mixed(asked))
	if err != nil {
		return err
	}
	put := append([]any{"put", burst}, q.mixed(10*asked)...)
	records := s.prepare(burst)
	began := time.Now()
	last, err := k.give(burst, whole(records), nil, put...)
	if err != nil {
		return err
	}
	t := last.Asked
	b.say("%d questions, p50 %.2f ms, p99 %.2f ms, at most %.2f ms, while %.0f records/s were stored; %.2f and %.2f ms with nothing stored",
		t.N, ms(t.P50), ms(t.P99), ms(t.Max), burst/time.Since(began).Seconds(), ms(quiet.P50), ms(quiet.P99))
	b.beside("busy-p99", "ms", ms(t.P99), spike.busy, 5)
	return nil
}

// timed asks questions that all must find something.
func timed(k *keeper, questions []any) (t timing, err error) {
	err = k.tell(&t, append([]any{"ask"}, questions...)...)
	if err == nil && t.Found < t.N {
		err = fmt.Errorf("%d of %d questions found nothing, like %s", t.N-t.Found, t.N, questions[0])
	}
	return t, err
}

// ask asks one kind of question after the other; what was asked first warms, and does not count.
func ask(b *board, k *keeper, q *questions) error {
	warm := func(name string, questions []any) (t timing, err error) {
		if name == "unknown ID" {
			err = k.tell(&t, append([]any{"ask"}, questions...)...)
			if err == nil && t.Found > 0 {
				err = errors.New("an ID is known that nobody has used")
			}
			return t, err
		}
		if _, err := timed(k, questions[:len(questions)/2]); err != nil {
			return t, err
		}
		return timed(k, questions[len(questions)/2:])
	}
	results := map[string]timing{}
	for _, kind := range []struct {
		name      string
		questions []any
	}{
		{"one ID", q.ids(2 * asked)}, {"service and error", q.errors(2 * asked)}, {"word", q.words(2 * asked)}, {"Chinese word", q.chineseWords(2 * asked)},
		{"rare word", q.rareWords(2 * asked)}, {"unknown ID", q.unknownIDs(asked)}, {"newest journeys", q.journeys(2 * asked)}, {"hour", q.hours(2 * asked)},
	} {
		t, err := warm(kind.name, kind.questions)
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		b.say("%s: %d questions, p50 %.3f ms, p99 %.3f ms, at most %.3f ms", kind.name, t.N, ms(t.P50), ms(t.P99), ms(t.Max))
		results[kind.name] = t
	}
	for _, c := range []struct {
		goal, kind string
		peer       tail
	}{{"id", "one ID", victoria.id}, {"errors", "service and error", victoria.errors}, {"word", "word", victoria.word}, {"chinese", "Chinese word", victoria.chinese}} {
		b.atMost(c.goal+"-p50", "ms", ms(results[c.kind].P50), c.peer.p50, 0.25)
		b.atMost(c.goal+"-p99", "ms", ms(results[c.kind].P99), c.peer.p99, 0.25)
	}
	b.beside("rare-p99", "ms", ms(results["rare word"].P99), spike.rare, 10)
	b.beside("unknown-p99", "ms", ms(results["unknown ID"].P99), spike.unknown, 2)
	var slowest time.Duration
	for day := range 3 {
		var s scanned
		if err := k.tell(&s, "scan", parcelStart.AddDate(0, 0, 3*day).Format(time.RFC3339)); err != nil {
			return err
		}
		b.say("absent substring within a day: %.3f s, partial %t, %d records read", s.Took.Seconds(), s.Partial, s.Read)
		slowest = max(slowest, s.Took)
	}
	b.bounded("absent", "s", slowest.Seconds(), (scanBudget + scanBudget/10).Seconds())
	b.beside("journeys-p99", "ms", ms(results["newest journeys"].P99), victoria.journeys, 1)
	b.beside("hour-p99", "ms", ms(results["hour"].P99), victoria.hour.p99, 3)
	return nil
}

// killed ends the store in the midst of storing, opens it again, and gives it the
// same records: what was acknowledged must be there.
func killed(b *board, k *keeper, s *supply, dir string) (*keeper, error) {
	var before, after int64
	if err := k.tell(&before, "count"); err != nil {
		return k, err
	}
	records := s.prepare(broken)
	acknowledged, _ := k.give(broken, whole(records), func(at kept) error {
		if at.Records < broken/2 {
			return nil
		}
		return k.cmd.Process.Kill()
	}, "put", broken) // its error is that it was killed
	if acknowledged.Records < broken/2 || acknowledged.Records == broken {
		return k, fmt.Errorf("%d of %d records were acknowledged, which is not the midst", acknowledged.Records, broken)
	}
	_ = k.cmd.Wait()
	opened, err := startKeeper(dir)
	if err != nil {
		return k, err
	}
	k = opened
	time.Sleep(restTime)
	rest, _, err := k.memory()
	if err != nil {
		return k, err
	}
	if err := k.tell(&after, "count"); err != nil {
		return k, err
	}
	n := acknowledged.Records
	again, err := k.give(n, whole(firstLines(records, n)), nil, "put", n)
	if err != nil {
		return k, err
	}
	b.say("killed when %d records were acknowledged: %d of them are there, opened in %.2f s with %d records", n, again.Present, k.opened.Seconds(), after)
	if again.Present < n || after < before+int64(n) {
		return k, fmt.Errorf("%d acknowledged records are lost", n-again.Present)
	}
	b.bounded("open-killed", "s", k.opened.Seconds(), 1)
	b.bounded("rest-memory", "MB", rest, 100)
	return k, nil
}
