package record

// Value is one member of a record, as [Walk] meets it.
type Value struct {
	Key    string
	Label  bool   // a member of labels, not of the record itself
	Text   string // of a string, or the digits of a number
	Number bool
}

// Walk calls visit with each string and number at the top level of a record that
// [Scan] has accepted, and with each of its labels, in the order in which they
// are written, until visit returns false. Texts share raw's memory unless they
// hold an escape.
func Walk(raw []byte, visit func(Value) bool) {
	s := newScanner(raw, checking)
	w := walker{scanner: &s, visit: visit}
	w.members(false)
}

type walker struct {
	*scanner
	visit func(Value) bool
}

// members walks one object that has been checked, and reports whether to go on.
func (w walker) members(label bool) bool {
	w.peek()
	w.i++ // {
	for w.peek() == '"' {
		key, _ := w.key()
		w.peek()
		w.i++ // :
		switch c := w.peek(); {
		case c == '"':
			text, _ := w.key()
			if !w.visit(Value{Key: key, Label: label, Text: text}) {
				return false
			}
		case c == '-' || c >= '0' && c <= '9':
			text, _ := w.number()
			if !w.visit(Value{Key: key, Label: label, Text: text, Number: true}) {
				return false
			}
		case c == '{' && key == "labels" && !label:
			if !w.members(true) {
				return false
			}
		default:
			if w.skip(1) != nil {
				return false
			}
		}
		if w.peek() != ',' {
			break
		}
		w.i++
		w.peek()
	}
	w.peek()
	w.i++ // }
	return true
}
