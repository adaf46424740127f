package filter

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// ErrInvalid wraps every reason for which a tree means nothing.
var ErrInvalid = errors.New("filter is invalid")

// Limits on a tree.
const (
	MaxNodes = 256    // in all; of a phrase with Prefix each word counts
	MaxDepth = 20     // the root has depth 1
	MaxText  = 1024   // characters of one field's name, value or text
	MaxIn    = 10_000 // values of one In
	MaxStart = 900    // bytes of a beginning and its field's name, for Lucene takes 1,000
)

// Check refuses a tree that no store can answer; nil is one that every record
// matches. Its error wraps ErrInvalid and says what to do.
func Check(n Node) error {
	if n == nil {
		return nil
	}
	c := checker{}
	if err := c.node(n, 1); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// HasContains reports whether a Contains is part of the tree.
func HasContains(n Node) bool {
	switch n := n.(type) {
	case And:
		return anyContains(n)
	case Or:
		return anyContains(n)
	case Not:
		return HasContains(n.Node)
	case Contains:
		return true
	}
	return false
}

func anyContains(nodes []Node) bool {
	for _, n := range nodes {
		if HasContains(n) {
			return true
		}
	}
	return false
}

type checker struct{ nodes int }

func (c *checker) node(n Node, depth int) error {
	c.nodes++
	if p, ok := n.(Phrase); ok && p.Prefix { // to Elasticsearch its words are clauses
		c.nodes += max(0, len(p.Words())-1)
	}
	if c.nodes > MaxNodes {
		return fmt.Errorf("more than %d conditions: ask in several queries", MaxNodes)
	}
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d: write it flatter", MaxDepth)
	}
	switch n := n.(type) {
	case And:
		return c.all(n, depth)
	case Or:
		return c.all(n, depth)
	case Not:
		return c.node(n.Node, depth+1)
	case Term:
		return n.check()
	case In:
		return n.check()
	case Prefix:
		return n.check()
	case Range:
		return n.check()
	case Exists:
		return n.check()
	case Phrase:
		return n.check()
	case Contains:
		return n.check()
	}
	return fmt.Errorf("%T is no condition: leave it out", n)
}

func (c *checker) all(nodes []Node, depth int) error {
	for _, n := range nodes {
		if err := c.node(n, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (t Term) check() error {
	k, err := kindOf(t.Field, t.Value)
	switch {
	case err != nil:
		return err
	case k == Text:
		return fmt.Errorf("%s is text: look for words in it, or for what it contains", t.Field)
	case k == Number:
		if _, err := strconv.ParseInt(t.Value, 10, 64); err != nil {
			return fmt.Errorf("%s is a number, and %q is none of 64 bits", t.Field, t.Value)
		}
	}
	return nil
}

func (in In) check() error {
	if len(in.Values) > MaxIn {
		return fmt.Errorf("more than %d values of %s: ask in several queries", MaxIn, in.Field)
	}
	for _, value := range in.Values {
		switch k, err := kindOf(in.Field, value); {
		case err != nil:
			return err
		case k != Keyword:
			return fmt.Errorf("%s is no keyword: ask for each of its values", in.Field)
		}
	}
	return nil
}

func (p Prefix) check() error {
	k, err := kindOf(p.Field, p.Value)
	switch {
	case err != nil:
		return err
	case k == Text:
		return fmt.Errorf("%s is text: look for words in it, the last of which may be a beginning", p.Field)
	case k == Number:
		return fmt.Errorf("%s is a number, which has no beginning: give a range", p.Field)
	case p.Value == "":
		return fmt.Errorf("an empty beginning of %s: ask whether it exists", p.Field)
	}
	return start(p.Field, p.Value)
}

func start(field, value string) error {
	if n := len(field) + len(value); n > MaxStart {
		return fmt.Errorf("a beginning of %.40s takes %d bytes, more than %d: give less of it", field, n, MaxStart)
	}
	return nil
}

func (r Range) check() error {
	k, err := kindOf(r.Field, "")
	switch {
	case err != nil:
		return err
	case k == Number:
		return nil
	case len(r.Field) > len(LabelPrefix) && r.Field[:len(LabelPrefix)] == LabelPrefix:
		return fmt.Errorf("%s is a label, and labels are texts, so that no digit is lost: they have no ranges; give its value or the beginning of it", r.Field)
	}
	return fmt.Errorf("%s is no number, so it has no range: give its value", r.Field)
}

func (e Exists) check() error {
	k, err := kindOf(e.Field, "")
	if err == nil {
		err = start(e.Field, "") // a label's key begins what an index holds of it
	}
	if err == nil && k == Text {
		err = fmt.Errorf("%s is text, of which only words are searched: look for words in it", e.Field)
	}
	return err
}

func (p Phrase) check() error {
	if err := textField(p.Field, p.Text); err != nil {
		return err
	}
	words := p.Words()
	if len(words) == 0 {
		return fmt.Errorf("%q has no word to look for in %s: look for what it contains", p.Text, p.Field)
	}
	if p.Prefix {
		return start(p.Field, words[len(words)-1])
	}
	return nil
}

func (c Contains) check() error {
	if c.Text == "" {
		return fmt.Errorf("every %s contains an empty text: leave it out", c.Field)
	}
	return textField(c.Field, c.Text)
}

func textField(field, text string) error {
	k, err := kindOf(field, text)
	if err == nil && k != Text {
		err = fmt.Errorf("%s is searched as a whole, not by its words: give its value or the beginning of it", field)
	}
	return err
}

func kindOf(field, text string) (Kind, error) {
	for _, s := range [...]string{field, text} {
		if n := utf8.RuneCountInString(s); n > MaxText {
			return 0, fmt.Errorf("%.40q… has %d characters, more than %d: ask for less of it", s, n, MaxText)
		}
		if !utf8.ValidString(s) {
			return 0, fmt.Errorf("%.40q is not valid UTF-8", s)
		}
	}
	k, ok := KindOf(field)
	if !ok {
		return 0, fmt.Errorf("%.40q is not searched by: name another field, or a label as %skey", field, LabelPrefix)
	}
	return k, nil
}
