package journey

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

// A fold in bytes: its version; how many texts, and each once; then everything
// else, where a text is its number. All numbers are varints, times are ns from the
// first.

const foldVersion = 2

// ErrFold is returned for bytes that no fold was written as.
var ErrFold = errors.New("not a fold of this version")

type foldWriter struct {
	out   []byte
	texts map[string]uint64
	list  []string
	base  int64
}

func (w *foldWriter) number(n uint64)  { w.out = binary.AppendUvarint(w.out, n) }
func (w *foldWriter) time(t time.Time) { w.out = binary.AppendVarint(w.out, t.UnixNano()-w.base) }

func (w *foldWriter) text(s string) {
	n, ok := w.texts[s]
	if !ok {
		n = uint64(len(w.list))
		w.texts[s] = n
		w.list = append(w.list, s)
	}
	w.number(n)
}

// Append writes the fold behind dst. Equal folds are equal bytes.
func (f *Fold) Append(dst []byte) []byte {
	sc := f.scene()
	w := foldWriter{texts: map[string]uint64{"": 0}, list: []string{""}}
	for i := range sc.tallies {
		if first := sc.tallies[i].first.UnixNano(); i == 0 || first < w.base {
			w.base = first
		}
	}
	w.number(uint64(len(sc.moments)))
	for _, m := range sc.moments {
		w.moment(m)
	}
	w.number(uint64(len(sc.tallies)))
	for i := range sc.tallies {
		w.tally(&sc.tallies[i])
	}
	w.number(uint64(len(f.steps)))
	for _, key := range slices.SortedFunc(maps.Keys(f.steps), stepKey.compare) {
		for _, s := range [...]string{key.saga, key.step, key.phase, key.service} {
			w.text(s)
		}
		by := f.steps[key]
		w.time(by.at)
		w.text(by.hop)
		w.number(by.number)
	}
	w.number(uint64(len(f.traces)))
	for _, trace := range f.traces {
		w.text(trace)
	}
	w.text(f.named.id)
	w.flags(f.named.fallback, f.over)
	w.time(f.named.at)

	dst = append(dst, foldVersion)
	dst = binary.AppendVarint(dst, w.base)
	dst = binary.AppendUvarint(dst, uint64(len(w.list)))
	for _, s := range w.list[1:] {
		dst = appendText(dst, s)
	}
	return append(dst, w.out...)
}

// appendText writes hexadecimal digits, which span IDs and trace IDs are, by two.
func appendText(dst []byte, s string) []byte {
	var packed [16]byte
	if len(s) == 16 || len(s) == 32 {
		if n, err := hex.Decode(packed[:], []byte(s)); err == nil && hex.EncodeToString(packed[:n]) == s {
			dst = binary.AppendUvarint(dst, uint64(n)<<1|1)
			return append(dst, packed[:n]...)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(s))<<1)
	return append(dst, s...)
}

func (w *foldWriter) flags(flags ...bool) {
	var b byte
	for i, on := range flags {
		if on {
			b |= 1 << i
		}
	}
	w.out = append(w.out, b)
}

// kinds are the kinds of moments that are written as a number.
var kinds = []record.Kind{"", record.KindHopStart, record.KindHopEnd, record.KindOutcome, record.KindExpect, record.KindAlias}

func (w *foldWriter) moment(m *record.Record) {
	w.time(m.Time)
	kind := slices.Index(kinds, m.Kind)
	w.number(uint64(max(kind, 0)))
	if kind < 0 {
		w.text(string(m.Kind))
	}
	texts := momentStrings(m)
	var mask uint64
	for i, s := range texts {
		if *s != "" {
			mask |= 1 << i
		}
	}
	w.number(mask)
	for _, s := range texts {
		if *s != "" {
			w.text(*s)
		}
	}
	numbers := momentNumbers(m)
	mask = 0
	for i, n := range numbers {
		if n != 0 {
			mask |= 1 << i
		}
	}
	w.number(mask)
	for _, n := range numbers {
		if n != 0 {
			w.number(n)
		}
	}
	w.number(uint64(len(m.Links)))
	for _, l := range m.Links {
		w.text(l.SpanID)
		w.text(l.CorrelationID)
	}
}

const momentNumberCount = 12

func momentNumbers(m *record.Record) [momentNumberCount]uint64 {
	has := uint64(0)
	if m.Messaging.HasOffset {
		has = 1
	}
	return [...]uint64{
		m.Sequence, m.HopSequence, m.HopRecords, m.HopSends, uint64(m.Version), uint64(m.Duration), uint64(m.Expect.Within), uint64(m.HTTP.Status),
		uint64(uint32(m.Messaging.Partition)), uint64(m.Messaging.Offset), has, uint64(m.Messaging.Attempt),
	}
}

func setMomentNumbers(m *record.Record, n [momentNumberCount]uint64) {
	m.Sequence, m.HopSequence, m.HopRecords, m.HopSends = n[0], n[1], n[2], n[3]
	m.Version, m.Duration, m.Expect.Within, m.HTTP.Status = int(n[4]), time.Duration(n[5]), time.Duration(n[6]), int(n[7])
	m.Messaging.Partition, m.Messaging.Offset, m.Messaging.HasOffset, m.Messaging.Attempt = int32(uint32(n[8])), int64(n[9]), n[10] == 1, int(n[11])
}

func (w *foldWriter) tally(t *tally) {
	w.text(t.hop)
	w.text(t.service)
	w.text(t.node)
	w.flags(t.foreign, t.uncounted, t.failed)
	w.time(t.first)
	w.number(uint64(t.last.Sub(t.first)))
	w.number(uint64(len(t.numbers)))
	at := uint64(0)
	for _, r := range t.numbers {
		w.number(r.from - at)
		w.number(r.to - r.from)
		at = r.to
	}
}

// foldReader reads what foldWriter wrote. Failed says that it was something else.
type foldReader struct {
	in     []byte
	texts  []string
	base   int64
	failed bool
}

func (r *foldReader) number() uint64 {
	v, n := binary.Uvarint(r.in)
	if n <= 0 {
		r.failed, r.in = true, nil
		return 0
	}
	r.in = r.in[n:]
	return v
}

// count is a number of things that each take a byte at least.
func (r *foldReader) count() int {
	n := r.number()
	if n > uint64(len(r.in)) {
		r.failed, r.in = true, nil
		return 0
	}
	return int(n)
}

func (r *foldReader) time() time.Time {
	v, n := binary.Varint(r.in)
	if n <= 0 {
		r.failed, r.in = true, nil
		return time.Time{}
	}
	r.in = r.in[n:]
	return time.Unix(0, r.base+v).UTC()
}

func (r *foldReader) text() string {
	n := r.number()
	if n >= uint64(len(r.texts)) {
		r.failed = true
		return ""
	}
	return r.texts[n]
}

func (r *foldReader) flags() byte {
	if len(r.in) == 0 {
		r.failed = true
		return 0
	}
	b := r.in[0]
	r.in = r.in[1:]
	return b
}

// ParseFold reads what Append wrote. The fold keeps nothing of b.
func ParseFold(b []byte) (*Fold, error) {
	if len(b) == 0 || b[0] != foldVersion {
		return nil, ErrFold
	}
	r := foldReader{in: b[1:]}
	r.base = r.time().UnixNano()
	r.readTexts()
	f := &Fold{}
	for range r.count() {
		f.addMoment(-1, r.moment())
	}
	for range r.count() {
		t := r.tally()
		*f.tally(t.tallyKey, false) = *t
	}
	for range r.count() {
		f.addStep(stepKey{r.text(), r.text(), r.text(), r.text()}, heard{r.time(), r.text(), r.number()})
	}
	for range r.count() {
		f.addTrace(r.text())
	}
	f.named.id = r.text()
	flags := r.flags()
	f.named.fallback, f.over = flags&1 != 0, flags&2 != 0
	f.named.at = r.time()
	if r.failed || len(r.in) > 0 {
		return nil, fmt.Errorf("%w: it is damaged", ErrFold)
	}
	return f, nil
}

func (r *foldReader) readTexts() {
	n := r.count()
	if n == 0 {
		r.failed = true
		return
	}
	r.texts = make([]string, 1, n)
	for range n - 1 {
		head := r.number()
		size := head >> 1
		if size > uint64(len(r.in)) {
			r.failed = true
			return
		}
		s := r.in[:size]
		r.in = r.in[size:]
		if head&1 == 1 {
			r.texts = append(r.texts, hex.EncodeToString(s))
		} else {
			r.texts = append(r.texts, string(s))
		}
	}
}

func (r *foldReader) moment() *record.Record {
	m := &record.Record{}
	m.Time = r.time()
	kind := r.number()
	switch {
	case kind == 0:
		m.Kind = record.Kind(r.text())
	case kind < uint64(len(kinds)):
		m.Kind = kinds[kind]
	default:
		r.failed = true
	}
	mask := r.number()
	for i, s := range momentStrings(m) {
		if mask&(1<<i) != 0 {
			*s = r.text()
		}
	}
	var numbers [momentNumberCount]uint64
	mask = r.number()
	for i := range numbers {
		if mask&(1<<i) != 0 {
			numbers[i] = r.number()
		}
	}
	setMomentNumbers(m, numbers)
	for range r.count() {
		m.Links = append(m.Links, record.Link{SpanID: r.text(), CorrelationID: r.text()})
	}
	return m
}

func (r *foldReader) tally() *tally {
	t := &tally{tallyKey: tallyKey{hop: r.text(), service: r.text(), node: r.text()}}
	flags := r.flags()
	t.foreign, t.uncounted, t.failed = flags&1 != 0, flags&2 != 0, flags&4 != 0
	t.first = r.time()
	t.last = t.first.Add(time.Duration(r.number()))
	at := uint64(0)
	for range r.count() {
		from := at + r.number()
		at = from + r.number()
		t.numbers = append(t.numbers, run{from, at})
	}
	return t
}
