package filter

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	template "github.com/waybill-log/waybill/infra/elasticsearch"
	"github.com/waybill-log/waybill/infra/testservers"
)

func TestWords(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		if got := AppendWords(nil, text); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	f("")
	f(" \t\n…—")
	f("Order A-1001 was paid", "order", "a", "1001", "was", "paid")
	f("order_id=42", "order", "id", "42")
	f("10.0.0.1:8080", "10", "0", "0", "1", "8080")
	f("java.lang.NullPointerException: x@y.com", "java", "lang", "nullpointerexception", "x", "y", "com")
	f("支付失敗 id=7", "支", "付", "失", "敗", "id", "7")
	f("ラーメン・ｶﾅ", "ラ", "ー", "メ", "ン", "ｶ", "ﾅ")
	f("결제가", "결", "제", "가")
	f("❤️done🚀", "done")
	f("İSTANBUL Straße e\u0301A", "istanbul", "straße", "e\u0301a")
	f("５\u212Aｍ", "５kｍ")
	f(strings.Repeat("é", 300), strings.Repeat("é", 255), strings.Repeat("é", 45))
	f("a\xff\xc3b", "a", "b")
}

func TestWordsInLowerCaseAreNotCopied(t *testing.T) {
	words := make([]string, 0, 16)
	for _, text := range []string{"order 42 was paid in 12.5 ms", "支付失敗, ラーメン"} {
		if n := testing.AllocsPerRun(100, func() { words = AppendWords(words[:0], text) }); n != 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}

// AppendWords lowers a text before it looks for words, Elasticsearch afterwards.
func TestLowerCaseChangesNoClass(t *testing.T) {
	for r := range unicode.MaxRune {
		if low := unicode.ToLower(r); classOf(r) != classOf(low) {
			t.Errorf("%U has another class than %U", r, low)
		}
	}
}

func TestTheTemplateHasTheSameRanges(t *testing.T) {
	for n, r := range ranges {
		if r.first > r.last || n > 0 && ranges[n-1].last >= r.first {
			t.Errorf("%U to %U is out of order", r.first, r.last)
		}
	}
	if got, want := tokenizer(t)["pattern"], pattern(); got != want {
		quoted, _ := json.Marshal(want)
		t.Errorf("want %s", quoted)
	}
}

// pattern is the ranges as a regular expression of Lucene's.
func pattern() string {
	of := map[class]*strings.Builder{separator: {}, single: {}}
	for _, r := range ranges {
		b := of[r.class]
		b.WriteRune(r.first)
		if r.last > r.first {
			b.WriteString("-" + string(r.last))
		}
	}
	return "[^" + of[separator].String() + of[single].String() + "]{1,255}|[" + of[single].String() + "]"
}

func tokenizer(t *testing.T) map[string]string {
	var found struct {
		Template struct {
			Settings struct {
				Analysis struct {
					Tokenizer struct{ Words map[string]string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(template.Records), &found); err != nil {
		t.Fatal(err)
	}
	return found.Template.Settings.Analysis.Tokenizer.Words
}

// This passes through the test server's own shim around Lucene's tokenizer.
func TestElasticsearchFindsTheSameWords(t *testing.T) {
	url := testservers.Elasticsearch(t)[0] + "/_analyze"
	words := tokenizer(t)
	analyze := func(texts []string, filters ...string) []string {
		body, err := json.Marshal(map[string]any{"tokenizer": words, "filter": append([]string{}, filters...), "text": texts})
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var found struct{ Tokens []struct{ Token string } }
		if err := json.NewDecoder(res.Body).Decode(&found); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s, %v", res.Status, err)
		}
		var tokens []string
		for _, token := range found.Tokens {
			tokens = append(tokens, token.Token)
		}
		return tokens
	}
	f := func(texts ...string) {
		t.Helper()
		var want []string
		for _, text := range texts {
			want = AppendWords(want, text)
		}
		if got := analyze(texts, "lowercase"); !slices.Equal(got, want) {
			t.Errorf("%q here\n%q there", want, got)
		}
	}
	f("it's O'Neil’s; don’t", "3.14 1,000.50 v1.2.3-rc.1", "db-01.internal:9042 10.0.0.1:8080 [::1]:53", "order_id=42 __init__ a_b-c", "a:b status:failed 12:30:45",
		"anna@example.com", "/api/v1/orders/{id}?q=a%20b", "支付失敗abc支付", "車", "エラーが発生しました。ラーメン・カナ ｶﾅ ﾃｽﾄ", "결제가 실패 했습니다", "🚀 done ❤️done 👨‍👩‍👧 👍🏽",
		"ＡＢＣ １２３", "cafe\u0301 E\u0301 か\u3099", "İstanbul ISPARTA ıI", "Straße ẞ ﬁ", strings.Repeat("x", 300), strings.Repeat("😀", 300), strings.Repeat("𝒜", 300),
		"0192f0c1-8c5e-7e3a-9d2b-000000000001", "ที่นี่ ไม่", "שלום־עולם", "می\u200cخواهم؟", "葛\U000E0100", "5\u212A 3\u2126 x² ½", "\x00a\x01b\u007F", "ΟΔΟΣ ΣΑΣ")
	// As they are: servers differ in the Unicode of which they know lower cases.
	var asked []rune
	for r := rune(1); r <= unicode.MaxRune; r++ {
		edge := classOf(r-1) != classOf(r) || classOf(r) != classOf(r+1)
		if !utf16.IsSurrogate(r) && (r < 0x3100 || r%97 == 0 || edge) {
			asked = append(asked, r)
		}
	}
	var want, got, texts []string
	for some := range slices.Chunk(asked, 50) {
		text := string(some)
		for start, end := next(text, 0); start < end; start, end = next(text, end) {
			want = append(want, text[start:end])
		}
		texts = append(texts, text)
	}
	for some := range slices.Chunk(texts, 150) { // an answer has 10,000 tokens at most
		got = append(got, analyze(some)...)
	}
	for n := range max(len(want), len(got)) {
		if n >= len(want) || n >= len(got) || want[n] != got[n] {
			t.Fatalf("%q here, %q there", want[n:min(n+3, len(want))], got[n:min(n+3, len(got))])
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("Order 支付 🚀 e\u0301 \xff")
	f.Fuzz(func(t *testing.T, text string) {
		words := AppendWords(nil, text)
		if again := AppendWords(nil, strings.Join(words, " ")); !slices.Equal(again, words) {
			t.Errorf("%q: %q, then %q", text, words, again)
		}
	})
}

// A phrase is found exactly where its words stand one after the other.
func TestPhrase(t *testing.T) {
	of := func(most int) (all []string) { // the texts of at most so many words, A or ab
		for n := 1; n <= most; n++ {
			for bits := range 1 << n {
				text := ""
				for i := range n {
					text += [2]string{"A ", "ab…"}[bits>>i&1]
				}
				all = append(all, text)
			}
		}
		return all
	}
	// what matches a phrase again may begin inside what did not
	if !newFinder(Phrase{Text: "a a b a a a c"}).in("a a b a a a b a a a c") {
		t.Error("a phrase is not found behind its own beginning")
	}
	texts, phrases := of(8), of(6)
	for _, prefix := range []bool{false, true} {
		for _, asked := range phrases {
			p := Phrase{Field: "message", Text: asked, Prefix: prefix}
			f, last := newFinder(p), len(p.Words())-1
			for _, text := range texts {
				words, want := AppendWords(nil, text), false
				for i := range max(0, len(words)-last) {
					ends := words[i+last] == p.Words()[last] || prefix && strings.HasPrefix(words[i+last], p.Words()[last])
					want = want || ends && slices.Equal(words[i:i+last], p.Words()[:last])
				}
				if got := f.in(text); got != want {
					t.Fatalf("%q in %q, prefix: %v: %v", p.Words(), words, prefix, got)
				}
			}
		}
	}
}
