package filter

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func text(words string) Node {
	return Or{Phrase{Field: "message", Text: words}, Phrase{Field: "error.message", Text: words}}
}

func beginning(words string) Node {
	return Or{Phrase{Field: "message", Text: words, Prefix: true}, Phrase{Field: "error.message", Text: words, Prefix: true}}
}

func TestAQueryMeansATree(t *testing.T) {
	bank, game := Term{"service.name", "bank"}, Term{"service.name", "game"}
	for _, c := range []struct {
		query string
		want  Node
	}{
		{"", nil},
		{"  \t ", nil},
		{"timeout", text("timeout")},
		{`"not enough"`, text("not enough")},
		{`tim*`, beginning("tim")},
		{`"not enou"*`, beginning("not enou")},
		{`"say \"no\" to \\ and \n"`, text(`say "no" to \ and \n`)},
		{"余额不足", text("余额不足")},
		{"service:bank", bank},
		{"service.name:bank", bank},
		{"service=bank", bank},
		{"service:ba*", Prefix{"service.name", "ba"}},
		{`service:"ba*"`, Term{"service.name", "ba*"}},
		{"service:*", Exists{"service.name"}},
		{"service:bank service:game", And{bank, game}},
		{"service:bank AND service:game", And{bank, game}},
		{"service:bank OR service:game", Or{bank, game}},
		{"service:(bank OR game)", In{"service.name", []string{"bank", "game"}}},
		{"service:(bank game)", In{"service.name", []string{"bank", "game"}}},
		{"service:(bank OR ga*)", Or{bank, Prefix{"service.name", "ga"}}},
		{"level:(WARN error)", In{"log.level", []string{"warn", "error"}}},
		{"status:(404 OR 5xx)", Or{Term{"http.response.status_code", "404"}, Range{"http.response.status_code", 500, 599}}},
		{"service:bank OR service:game level:error", Or{bank, And{game, Term{"log.level", "error"}}}},
		{"(service:bank OR service:game) level:error", And{Or{bank, game}, Term{"log.level", "error"}}},
		{"NOT service:bank", Not{bank}},
		{"-service:bank", Not{bank}},
		{"NOT -service:bank", bank},
		{"-(service:bank service:game)", Not{And{bank, game}}},
		{"level>=warn", In{"log.level", []string{"warn", "error"}}},
		{"level<info", In{"log.level", []string{"trace", "debug"}}},
		{"level:>=warn", In{"log.level", []string{"warn", "error"}}},
		{"label.order_id:42", Term{"labels.order_id", "42"}},
		{"labels.order_id:42", Term{"labels.order_id", "42"}},
		{"duration>2s", Range{"event.duration", 2_000_000_001, math.MaxInt64}},
		{"duration<=1.5ms", Range{"event.duration", math.MinInt64, 1_500_000}},
		{"duration:10ms..2d", Range{"event.duration", 10_000_000, int64(48 * time.Hour)}},
		{"sequence:10..20", Range{"event.sequence", 10, 20}},
		{"sequence:-3", Term{"event.sequence", "-3"}},
		{"message~\"0x[1]\"", Contains{"message", "0x[1]"}},
		{"error:refused", Phrase{Field: "error.message", Text: "refused"}},
		{`operation:"POST /buy"`, Term{"span.name", "POST /buy"}},
		{"topic:shop.orders", Term{"messaging.destination.name", "shop.orders"}},
		{"topic:a:b", Term{"messaging.destination.name", "a:b"}},
		{"id:{01A20E27-454E-9043-DA23-70445188FC17}", Term{"correlation.key", "01a20e27454e9043da2370445188fc17"}},
		{"trace:4BF92F3577B34DA6A3CE929D0E0E4736", Term{"trace.id", "4bf92f3577b34da6a3ce929d0e0e4736"}},
		{"and or not", And{text("and"), text("or"), text("not")}},
		{"ORDER", text("ORDER")},
		{"((((((((((((((((((((service:bank))))))))))))))))))))", bank},
	} {
		got, err := Parse(c.query, noon)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		if !reflect.DeepEqual(got, Search{Records: c.want}) {
			t.Errorf("%s\n is %#v\nnot %#v", c.query, got, c.want)
		}
	}
}

func TestAQueryAsksForJourneysAndTimes(t *testing.T) {
	for _, c := range []struct {
		query string
		want  Search
	}{
		{"verdict:stalled", Search{Journey: Journey{Verdicts: []string{"stalled"}}}},
		{`verdict:(failed OR "in transit")`, Search{Journey: Journey{Verdicts: []string{"exception", "in_transit"}}}},
		{"visited:bank visited:game", Search{Journey: Journey{Visited: []string{"bank", "game"}}}},
		{`kind:"POST /buy" release:1.4.0`, Search{Journey: Journey{Kind: "POST /buy", Release: "1.4.0"}}},
		{"took>2s took<1m", Search{Journey: Journey{Longer: 2 * time.Second, Shorter: time.Minute}}},
		{"since:15m", Search{From: noon.Add(-15 * time.Minute)}},
		{"since:2w until:1d", Search{From: noon.Add(-14 * 24 * time.Hour), Until: noon.Add(-24 * time.Hour)}},
		{"since:2026-11-24T09:30:00+01:00", Search{From: noon.Add(-210 * time.Minute)}},
		{`since:2026-11-01 until:"2026-11-02 03:04:05"`, Search{From: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC)}},
		{"level:error verdict:stalled AND since:1h (a OR b)", Search{
			Records: And{Term{"log.level", "error"}, Or{text("a"), text("b")}}, Journey: Journey{Verdicts: []string{"stalled"}}, From: noon.Add(-time.Hour),
		}},
	} {
		got, err := Parse(c.query, noon)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\n is %#v\nnot %#v", c.query, got, c.want)
		}
	}
}

func TestAQueryThatCannotBeReadSaysWhere(t *testing.T) {
	for _, c := range []struct {
		query  string
		column int
		says   string
	}{
		{"servce:bank", 1, "no field \"servce\""},
		{"余额 servce:bank", 4, "no field"},
		{"余额 servce:bank", 4, "label.key"},
		{"余额 servce:bank", 4, "visited"},
		{"\"🧾 x\" e\u0301 level>=loud", 17, "levels are trace"}, // each code point is a character
		{"error:餘額 status:x", 17, "404, 500..503 or 5xx"},
		{"service:銀行 sequence:1..餘", 24, "42 or 10..20"},
		{"(service:銀行", 1, "without its )"},
		{`銀行 "行`, 4, "without its end"},
		{"http://x", 1, "in quotes"},
		{":bank", 1, "wants the name of a field"},
		{"service:", 9, "a value is missing"},
		{"service: bank", 9, "a value is missing"},
		{"service>bank", 9, "has no order"},
		{"service~bank", 9, "is no text"},
		{"message>x", 9, "has no order"},
		{"message:*", 9, "only words are searched"},
		{"message:...", 9, "has no word to look for"},
		{"***", 1, "has no word to look for"},
		{"level>=loud", 8, "levels are trace"},
		{"level>=*", 8, "a star says"},
		{"status:x", 8, "no whole number"},
		{"status:9223372036854775808", 8, "no whole number"},
		{"sequence:20..10", 10, "ends before it begins"},
		{"sequence:1..x", 13, "no whole number"},
		{"sequence>1..2", 10, "not a range"},
		{"sequence:4*", 10, "give a range"},
		{"duration>fast", 10, "no duration"},
		{"label.x>3", 9, "has no order"},
		{"label.:3", 1, "no field"},
		{"a OR", 3, "behind it"},
		{"OR a", 1, "before it"},
		{"a AND", 3, "both sides"},
		{"AND a", 1, "both sides"},
		{"a NOT", 3, "behind it"},
		{"a -", 3, "behind it"},
		{"(a", 1, "without its )"},
		{"a)", 2, "without its ("},
		{"()", 1, "nothing stands between"},
		{"service:()", 9, "no value stands"},
		{"service:(bank", 9, "without its )"},
		{"service:(a AND b)", 12, "parentheses hold values"},
		{"service:((a))", 10, "parentheses hold values"},
		{"sequence>(1 2)", 10, "wants one value"},
		{`say "no`, 5, "without its end"},
		{"a\xff", 2, "UTF-8"},
		{"verdict:lost", 9, "verdicts are"},
		{"verdict:stalled verdict:delivered", 17, "write one verdict"},
		{"(verdict:stalled)", 2, "outside parentheses"},
		{"-verdict:stalled", 2, "outside parentheses"},
		{"a OR verdict:stalled", 6, "outside parentheses"},
		{"verdict:stalled OR a", 1, "one side of an OR"},
		{"visited:(a b)", 10, "wants one value"},
		{"visited:ba*", 9, "wants one value"},
		{"kind>a", 1, "has no order"},
		{"release:1 release:2", 11, "stands here twice"},
		{"took:2s", 1, "write took>2s"},
		{"took>long", 6, "no duration"},
		{"since:yesterday", 7, "is no time"},
		{"since:1969-01-01", 7, "is no time"},
		{"since:1h since:2h", 10, "stands here twice"},
		{"since:1h until:2h", 10, "nothing lies between"},
		{strings.Repeat("(", 10_000), 8193, "longer than"},
		{strings.Repeat("a ", 10_000), 8193, "longer than"},
		{strings.Repeat("a ", 1_000), 161, "more than 240 conditions"},
		{strings.Repeat("(", 1_000), 65, "write it flatter"},
		{strings.Repeat("-", 1_000) + "a", 65, "write it flatter"},
		{"service:(" + strings.Repeat("a ", 1_000) + ")", 490, "more than 240 values"},
		{strings.Repeat("(a -", 12) + "b" + strings.Repeat(")", 12), 17, "nested too deep"},
	} {
		_, err := Parse(c.query, noon)
		var wrong *SyntaxError
		if !errors.As(err, &wrong) || !errors.Is(err, ErrInvalid) {
			t.Errorf("%.60q: %v", c.query, err)
			continue
		}
		if wrong.Column != c.column || !strings.Contains(wrong.Reason, c.says) {
			t.Errorf("%.60q at %d, want %d: %s; want %q", c.query, wrong.Column, c.column, wrong.Reason, c.says)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`service:bank level>=warn label.order_id:42 "not enough"`, `verdict:(stalled OR failed) since:15m took>2s`, "a AND (b OR -c*) NOT d",
		"duration:1ms..2s status:5xx message~\"x\\\"\"", "余额* id:{01A20E27-454E-9043-DA23-70445188FC17}", "service:(a OR b*) OR level<info", "((((a))))",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		search, err := Parse(query, noon)
		if err != nil {
			var wrong *SyntaxError
			if !errors.As(err, &wrong) {
				t.Fatalf("%q: %v says not where", query, err)
			}
			if wrong.Column < 1 || wrong.Column > len([]rune(query))+1 {
				t.Fatalf("%q: character %d is not in it", query, wrong.Column)
			}
			return
		}
		if err := Check(search.Records); err != nil {
			t.Fatalf("%q is a tree that is refused: %v", query, err)
		}
		if again, err := Parse(" "+query+"\n", noon); err != nil || !reflect.DeepEqual(again, search) {
			t.Fatalf("%q means something else between spaces: %v", query, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	query := strings.Repeat("a ", 10_000)
	for b.Loop() {
		if _, err := Parse(query, noon); err == nil {
			b.Fatal("ten thousand conditions were taken")
		}
	}
}
