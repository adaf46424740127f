package embedded

import (
	"strconv"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/waybill-log/waybill/store/filter"
)

// candidates are the records of a segment that a filter may match.
type candidates struct {
	records *roaring.Bitmap
	sure    bool // it matches all of them; else each has to be read
}

// evaluation answers a filter from the index of one segment.
type evaluation struct {
	segment segment
	place   layout
}

func (v *evaluation) all() *roaring.Bitmap {
	b := roaring.New()
	b.AddRange(0, uint64(v.place.records))
	return b
}

// run evaluates a filter; nil is every record.
func (v *evaluation) run(n filter.Node) (candidates, error) {
	c, err := v.node(n)
	if err != nil {
		return c, fault(v.segment, err)
	}
	c.records.RemoveRange(uint64(v.place.records), 1<<32) // those that have come since
	return c, nil
}

func (v *evaluation) node(n filter.Node) (candidates, error) {
	switch n := n.(type) {
	case nil:
		return candidates{v.all(), true}, nil
	case filter.And:
		out := candidates{sure: true}
		for _, part := range n {
			c, err := v.node(part)
			if err != nil {
				return c, err
			}
			out.sure = out.sure && c.sure
			if out.records == nil {
				out.records = c.records
			} else {
				out.records.And(c.records)
			}
			if out.records.IsEmpty() {
				break
			}
		}
		if out.records == nil {
			out.records = v.all()
		}
		return out, nil
	case filter.Or:
		out := candidates{roaring.New(), true}
		for _, part := range n {
			c, err := v.node(part)
			if err != nil {
				return c, err
			}
			out.sure = out.sure && c.sure
			out.records.Or(c.records)
		}
		return out, nil
	case filter.Not:
		c, err := v.node(n.Node)
		if err != nil || !c.sure {
			return candidates{v.all(), false}, err
		}
		all := v.all()
		all.AndNot(c.records)
		return candidates{all, true}, nil
	case filter.Term:
		return v.term(n)
	case filter.In:
		out := candidates{roaring.New(), true}
		for _, value := range n.Values {
			c, err := v.term(filter.Term{Field: n.Field, Value: value})
			if err != nil {
				return c, err
			}
			out.sure = out.sure && c.sure
			out.records.Or(c.records)
		}
		return out, nil
	case filter.Prefix:
		start, ok := termPrefix(n.Field)
		if !ok {
			return candidates{v.all(), false}, nil
		}
		return v.union(start+n.Value, nil)
	case filter.Exists:
		return v.exists(n.Field)
	case filter.Range:
		return v.between(n)
	case filter.Phrase:
		return v.phrase(n)
	default: // nothing is known of it before records are read
		return candidates{v.all(), false}, nil
	}
}

// termPrefix is what the terms of a keyword field begin with.
func termPrefix(field string) (string, bool) {
	if key, ok := strings.CutPrefix(field, "labels."); ok {
		return string(labelTerm) + key + "\x00", true
	}
	kind, ok := keywordTerms[field]
	return string(kind), ok
}

func (v *evaluation) one(term string) (*roaring.Bitmap, error) {
	found, err := v.segment.find(term)
	if found == nil {
		found = roaring.New()
	}
	return found, err
}

// union joins what the terms with a prefix have, of those that want allows.
func (v *evaluation) union(prefix string, want func(term string) bool) (candidates, error) {
	out := roaring.New()
	err := v.segment.each(prefix, func(term string, _ uint64, all func() (postings, error)) error {
		if want != nil && !want(term) {
			return nil
		}
		records, err := all()
		if err == nil {
			out.Or(records.bitmap())
		}
		return err
	})
	return candidates{out, true}, err
}

func (v *evaluation) term(n filter.Term) (candidates, error) {
	if start, ok := termPrefix(n.Field); ok {
		found, err := v.one(start + n.Value)
		return candidates{found, true}, err
	}
	value, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return candidates{roaring.New(), true}, nil
	}
	return v.between(filter.Range{Field: n.Field, Min: value, Max: value})
}

func (v *evaluation) exists(field string) (candidates, error) {
	switch field {
	case "http.response.status_code":
		return v.union(string(statusTerm), nil)
	case "event.duration":
		return v.union(string(durationTerm), nil)
	}
	start, ok := termPrefix(field)
	if !ok {
		return candidates{v.all(), false}, nil
	}
	return v.union(start, nil)
}

func (v *evaluation) between(n filter.Range) (candidates, error) {
	switch n.Field {
	case "http.response.status_code":
		return v.union(string(statusTerm), func(term string) bool {
			code, err := strconv.ParseInt(term[1:], 10, 64)
			return err == nil && n.Min <= code && code <= n.Max
		})
	case "event.duration":
		c, err := v.union(string(durationTerm), func(term string) bool {
			return durationStep(n.Min) <= term[1] && term[1] <= durationStep(n.Max)
		})
		return candidates{c.records, false}, err
	default:
		return candidates{v.all(), false}, nil
	}
}

// phrase finds the records that have its words. Unless they are one term it takes
// reading to know that they stand one after the other.
func (v *evaluation) phrase(n filter.Phrase) (candidates, error) {
	kinds := textTerms[n.Field]
	words := n.Words()
	out := candidates{sure: true}
	add := func(c candidates, err error) error {
		switch {
		case err != nil:
			return err
		case out.records == nil:
			out = c
		default:
			out.records.And(c.records)
			out.sure = false
		}
		return nil
	}
	for i := 0; i < len(words); i++ {
		w, last := words[i], i == len(words)-1
		var err error
		switch {
		case isCharacter(w) && !last && isCharacter(words[i+1]) && (!n.Prefix || i+2 < len(words)):
			found, e := v.one(string(kinds.pair) + w + words[i+1])
			err = add(candidates{found, true}, e)
			if i+2 == len(words) {
				i++ // the second of the pair needs no look-up of its own
			}
		case last && n.Prefix:
			var c candidates
			if c, err = v.union(string(kinds.word)+w, nil); err == nil && isCharacter(w) {
				var more candidates
				more, err = v.union(string(kinds.pair)+w, nil)
				c.records.Or(more.records)
			}
			err = add(c, err)
		case isCharacter(w): // alone, or before another one
			err = add(v.union(string(kinds.pair)+w, nil))
		default:
			found, e := v.one(string(kinds.word) + w)
			err = add(candidates{found, true}, e)
		}
		if err != nil {
			return candidates{}, err
		}
		if out.records.IsEmpty() {
			break
		}
	}
	if out.records == nil {
		out.records = roaring.New()
	}
	return out, nil
}
