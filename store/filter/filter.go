// Package filter is the tree that says which records are asked for, with the one
// meaning both stores give it: [Matcher] decides it for one record, and a
// store's index finds the records it is asked of.
//
//	filter.And{filter.Term{Field: "service.name", Value: "bank"}, filter.Phrase{Field: "message", Text: "not enough"}}
package filter

// Node is one node of a tree: And, Or, Not, Term, In, Prefix, Range, Exists, Phrase or Contains.
type Node interface{ node() }

// And matches a record that each of its nodes matches; an empty one matches all.
type And []Node

// Or matches a record that one of its nodes matches; an empty one matches none.
type Or []Node

// Not matches a record that its node does not match.
type Not struct{ Node Node }

// Term matches a record whose keyword or number field has exactly this value.
type Term struct{ Field, Value string }

// In matches a record whose keyword field has exactly one of these values.
type In struct {
	Field  string
	Values []string
}

// Prefix matches a record whose keyword field begins with this value.
type Prefix struct{ Field, Value string }

// Range matches a record whose number field is at least Min and at most Max.
type Range struct {
	Field    string
	Min, Max int64
}

// Exists matches a record that has the keyword or number field.
type Exists struct{ Field string }

// Phrase matches a record whose text field holds the words of Text one after the
// other, in any case. With Prefix the last of them only begins a word.
type Phrase struct {
	Field, Text string
	Prefix      bool
}

// Contains matches a record whose text field holds Text byte for byte. No index
// finds it: it is looked for in each record that the rest of the tree allows.
type Contains struct{ Field, Text string }

func (And) node()      {}
func (Or) node()       {}
func (Not) node()      {}
func (Term) node()     {}
func (In) node()       {}
func (Prefix) node()   {}
func (Range) node()    {}
func (Exists) node()   {}
func (Phrase) node()   {}
func (Contains) node() {}
