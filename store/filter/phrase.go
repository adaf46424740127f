package filter

import "strings"

// Words are the words of the phrase.
func (p Phrase) Words() []string { return AppendWords(nil, p.Text) }

// finder looks for a phrase in texts, each word of which it meets once (Knuth,
// Morris and Pratt).
type finder struct {
	words  []string
	again  []int // how many words still match where word i does not
	prefix bool  // of the last word
}

func newFinder(p Phrase) *finder {
	f := &finder{words: p.Words(), prefix: p.Prefix}
	f.again = make([]int, len(f.words))
	for i, n := 1, 0; i+1 < len(f.words); i++ {
		for n > 0 && f.words[i] != f.words[n] {
			n = f.again[n]
		}
		if f.words[i] == f.words[n] {
			n++
		}
		f.again[i+1] = n
	}
	return f
}

func (f *finder) in(text string) bool {
	text = strings.ToLower(text)
	n := 0
	for start, end := next(text, 0); start < end; start, end = next(text, end) {
		word := text[start:end]
		for n > 0 && !f.is(word, n) {
			n = f.again[n]
		}
		if f.is(word, n) {
			n++
		}
		if n == len(f.words) {
			return true
		}
	}
	return false
}

func (f *finder) is(word string, n int) bool {
	if f.prefix && n == len(f.words)-1 {
		return strings.HasPrefix(word, f.words[n])
	}
	return word == f.words[n]
}
