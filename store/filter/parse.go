package filter

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits on a query.
const (
	MaxQuery   = 8192 // bytes
	maxClauses = 240  // nodes, so that a reader may add some of its own
	maxNesting = 64   // of parentheses
)

// Search is what a query asks for.
type Search struct {
	Records     Node // nil: every record
	Journey     Journey
	From, Until time.Time // From ≤ time < Until; zero leaves that side open
}

// Parse reads a query. All conditions side by side hold, AND or none between them; OR
// and NOT (or a minus) and parentheses combine them, and OR binds less than AND.
//
//	timeout                     a word of the message, or of the error's
//	"not enough" tim*           words one after the other, a word's beginning
//	service:bank level>=warn    a field's value; levels have an order
//	service:(bank OR game)      one of several
//	operation:"POST /buy"       a value with spaces
//	topic:*                     a field that is there
//	label.order_id:42           what a service logged beside the message
//	duration>2s status:5xx      numbers, in nanoseconds unless a unit is given
//	sequence:10..20             both ends count
//	message~"0x[1]"             byte for byte
//
// These stand outside parentheses, OR and NOT, since they say which journeys or which time is meant:
//
//	verdict:(stalled OR exception) visited:bank kind:"POST /buy" release:1.4.0 took>2s
//	since:15m until:2026-11-24T10:00:00Z
//
// Now is what a time such as 15m counts back from. An error is a *SyntaxError.
func Parse(text string, now time.Time) (Search, error) {
	p := &parser{text: text, now: now, journeyAt: -1}
	switch {
	case len(text) > MaxQuery:
		p.text = strings.ToValidUTF8(text[:MaxQuery], "?")
		return Search{}, p.fail(len(p.text), "the query is longer than %d bytes; ask in several queries", MaxQuery)
	case !utf8.ValidString(text):
		return Search{}, p.fail(validLen(text), "not valid UTF-8")
	}
	node, err := p.either(true)
	if err == nil && p.at < len(p.text) { // only a parenthesis ends an expression before the text does
		err = p.fail(p.at, "a ) without its (; take it away, or put it in quotes")
	}
	if err == nil && !p.search.From.IsZero() && !p.search.Until.IsZero() && !p.search.From.Before(p.search.Until) {
		err = p.fail(p.timeAt, "since is not before until; nothing lies between them")
	}
	if err != nil {
		return Search{}, err
	}
	p.search.Records = node
	return p.search, nil
}

type parser struct {
	text      string
	at        int // byte of the text that comes next
	now       time.Time
	search    Search
	journeyAt int // where the latest condition on journeys or time stands; negative: nowhere
	timeAt    int // where the latest since or until stands
	clauses   int
	nesting   int
}

// either reads conditions between ORs. At the top, those on journeys are allowed,
// which then are no nodes; nil means that there are no others.
func (p *parser) either(top bool) (Node, error) {
	var branches Or
	for {
		node, err := p.all(top)
		if err != nil {
			return nil, err
		}
		if node != nil {
			branches = append(branches, node)
		}
		or := p.at
		if !p.keyword("OR") {
			break
		}
		switch {
		case p.journeyAt >= 0 && top:
			return nil, p.fail(p.journeyAt, "this holds for the whole query, so it cannot be one side of an OR; write the rest as (a OR b) beside it")
		case node == nil:
			return nil, p.fail(or, "OR wants a condition before it; to look for the word, put it in quotes")
		}
		top = false
		if p.space(); p.end() {
			return nil, p.fail(or, "OR wants a condition behind it; to look for the word, put it in quotes")
		}
	}
	switch len(branches) {
	case 0:
		return nil, nil
	case 1:
		return branches[0], nil
	}
	return branches, p.spend(p.at, 1)
}

// all reads conditions side by side, up to an OR, a closing parenthesis or the end.
func (p *parser) all(top bool) (Node, error) {
	var nodes And
	for {
		p.space()
		if p.end() || p.peekKeyword("OR") {
			break
		}
		if and := p.at; p.keyword("AND") {
			if p.space(); and == 0 || p.end() {
				return nil, p.fail(and, "AND wants a condition on both sides; to look for the word, put it in quotes")
			}
			continue
		}
		node, err := p.one(top)
		if err != nil {
			return nil, err
		}
		if node != nil {
			nodes = append(nodes, node)
		}
	}
	switch len(nodes) {
	case 0:
		return nil, nil
	case 1:
		return nodes[0], nil
	}
	return nodes, p.spend(p.at, 1)
}

// one reads one condition. It is nil for one on journeys.
func (p *parser) one(top bool) (Node, error) {
	start := p.at
	not := p.keyword("NOT")
	if !not && p.text[p.at] == '-' {
		p.at++
		not = true
	}
	if not {
		p.space()
		if p.nesting++; p.nesting > maxNesting {
			return nil, p.fail(start, "more than %d NOTs and parentheses inside each other; write it flatter", maxNesting)
		}
		defer func() { p.nesting-- }()
		if p.end() {
			return nil, p.fail(start, "NOT wants a condition behind it; to look for a minus, put it in quotes")
		}
		node, err := p.one(false)
		if err != nil {
			return nil, err
		}
		if twice, ok := node.(Not); ok {
			return twice.Node, nil
		}
		return Not{Node: node}, p.spend(start, 1)
	}
	switch p.text[p.at] {
	case '(':
		return p.group()
	case '"':
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		return p.words(v)
	}
	name := p.run(true)
	if op, ok := p.operator(); ok {
		return p.condition(start, name, op, top)
	}
	return p.words(value{at: start, text: strings.TrimSuffix(name, "*"), beginning: strings.HasSuffix(name, "*")})
}

func (p *parser) group() (Node, error) {
	open := p.at
	if p.nesting++; p.nesting > maxNesting {
		return nil, p.fail(open, "more than %d NOTs and parentheses inside each other; write it flatter", maxNesting)
	}
	defer func() { p.nesting-- }()
	p.at++
	node, err := p.either(false)
	switch {
	case err != nil:
		return nil, err
	case p.at == len(p.text):
		return nil, p.fail(open, "a ( without its ); close it, or put it in quotes")
	case node == nil:
		return nil, p.fail(open, "nothing stands between these parentheses; take them away")
	case depth(node) > MaxDepth-3: // what is around it
		return nil, p.fail(open, "nested too deep; write it flatter")
	}
	p.at++
	return node, nil
}

// words is a text that the message or the error's message has.
func (p *parser) words(v value) (Node, error) {
	either := Or{Phrase{Field: "message", Text: v.text, Prefix: v.beginning}, Phrase{Field: "error.message", Text: v.text, Prefix: v.beginning}}
	return p.checked(v.at, either)
}

// checked is a node that no store refuses.
func (p *parser) checked(at int, n Node) (Node, error) {
	var c checker
	if err := c.node(n, 1); err != nil {
		return nil, p.fail(at, "%v", err)
	}
	return n, p.spend(at, c.nodes)
}

// spend counts nodes.
func (p *parser) spend(at, nodes int) error {
	if p.clauses += nodes; p.clauses > maxClauses {
		return p.fail(at, "more than %d conditions; ask in several queries", maxClauses)
	}
	return nil
}

// value is what a field is to have.
type value struct {
	at        int
	text      string
	quoted    bool
	beginning bool // a star stands behind it
}

// value reads one value, quoted or up to a space or parenthesis.
func (p *parser) value() (value, error) {
	v := value{at: p.at}
	if p.at == len(p.text) || p.text[p.at] != '"' {
		v.text = p.run(false)
		v.text, v.beginning = strings.CutSuffix(v.text, "*")
		return v, nil
	}
	v.quoted = true
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			v.text = b.String()
			if p.at < len(p.text) && p.text[p.at] == '*' {
				p.at++
				v.beginning = true
			}
			return v, nil
		case c == '\\' && p.at+1 < len(p.text) && (p.text[p.at+1] == '"' || p.text[p.at+1] == '\\'):
			p.at++
			b.WriteByte(p.text[p.at])
		default:
			b.WriteByte(c)
		}
	}
	return v, p.fail(v.at, "a \" without its end; close it, or write \\\" for one inside quotes")
}

// run reads up to a space, a parenthesis or a quote; a name ends at an operator, too.
func (p *parser) run(name bool) string {
	start := p.at
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if unicode.IsSpace(r) || strings.ContainsRune(`()"`, r) || name && strings.ContainsRune(":=<>~", r) {
			break
		}
		p.at += size
	}
	return p.text[start:p.at]
}

// operators, the longer ones first.
var operators = [...]string{":>=", ":<=", ":>", ":<", ">=", "<=", ">", "<", "~", "=", ":"}

func (p *parser) operator() (string, bool) {
	for _, op := range operators {
		if strings.HasPrefix(p.text[p.at:], op) {
			p.at += len(op)
			if len(op) > 1 {
				op = strings.TrimPrefix(op, ":")
			}
			if op == "=" {
				op = ":"
			}
			return op, true
		}
	}
	return "", false
}

func (p *parser) space() {
	p.at = len(p.text) - len(strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace))
}

// end reports whether nothing follows that could begin a condition.
func (p *parser) end() bool { return p.at == len(p.text) || p.text[p.at] == ')' }

// keyword reads a word of the language, if it comes next.
func (p *parser) keyword(word string) bool {
	found := p.peekKeyword(word)
	if found {
		p.at += len(word)
	}
	return found
}

func (p *parser) peekKeyword(word string) bool {
	rest, ok := strings.CutPrefix(p.text[p.at:], word)
	r, _ := utf8.DecodeRuneInString(rest)
	return ok && (rest == "" || unicode.IsSpace(r) || strings.ContainsRune(`()"`, r))
}

func depth(n Node) int {
	deepest := 0
	switch n := n.(type) {
	case And:
		for _, each := range n {
			deepest = max(deepest, depth(each))
		}
	case Or:
		for _, each := range n {
			deepest = max(deepest, depth(each))
		}
	case Not:
		deepest = depth(n.Node)
	}
	return deepest + 1
}

func validLen(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}
