package alerts

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// Bounds of a text that a rule words.
const (
	maxTemplate = 4096    // bytes
	maxTitle    = 512     // bytes of what comes out
	maxText     = 8 << 10 // bytes of what comes out
	maxPiece    = 16 << 10
)

// wording is a title, text, runbook or label as a rule words it: a text/template that
// cannot run for long. Loops go over lists of bounded length and do not stand in each
// other, and no function gives more than maxPiece.
type wording struct {
	plain    string // where nothing is filled in
	template *template.Template
	pieces   []piece // what the template comes to where it only fills in texts; nil: it does more
	limit    int
}

// piece is a text, or what a field has.
type piece struct{ text, field string }

// piecesOf takes a template apart; nil: it does more than fill in fields.
func piecesOf(t *parse.Tree) (out []piece) {
	for _, n := range t.Root.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			out = append(out, piece{text: string(n.Text)})
		case *parse.ActionNode:
			if len(n.Pipe.Cmds) != 1 || len(n.Pipe.Decl) > 0 || len(n.Pipe.Cmds[0].Args) != 1 {
				return nil
			}
			field, ok := n.Pipe.Cmds[0].Args[0].(*parse.FieldNode)
			if !ok || len(field.Ident) != 1 {
				return nil
			}
			out = append(out, piece{field: field.Ident[0]})
		default:
			return nil
		}
	}
	return out
}

// fill joins the pieces; false: some field is no text.
func (w *wording) fill(facts map[string]any) (string, bool) {
	if w.pieces == nil {
		return "", false
	}
	var out strings.Builder
	for _, p := range w.pieces {
		text := p.text
		if p.field != "" {
			var ok bool
			if text, ok = facts[p.field].(string); !ok {
				return "", false
			}
		}
		out.WriteString(text)
	}
	return strings.ToValidUTF8(cut(out.String(), w.limit), "\uFFFD"), true
}

// newWording checks a template with what it may be given, so that what is wrong with it
// is known when the file is read.
func newWording(text string, limit int, sample map[string]any) (*wording, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("it is longer than %d bytes", maxTemplate)
	}
	if !strings.Contains(text, "{{") {
		return &wording{plain: cut(text, limit)}, nil
	}
	t, err := template.New("").Option("missingkey=zero").Funcs(boundedFuncs).Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	if len(t.Templates()) > 1 {
		return nil, errors.New("define and block are not for alerts: write it in one piece")
	}
	if err := checkTree(t.Root, 0); err != nil {
		return nil, err
	}
	if err := checkNames(t.Root, sample, true); err != nil {
		return nil, err
	}
	w := &wording{template: t, limit: limit, pieces: piecesOf(t.Tree)}
	if _, err := w.render(sample); err != nil {
		return nil, err
	}
	return w, nil
}

// checkTree refuses what could run long.
func checkTree(n parse.Node, loops int) error {
	branches := func(loops int, lists ...*parse.ListNode) error {
		for _, list := range lists {
			if list == nil {
				continue
			}
			for _, child := range list.Nodes {
				if err := checkTree(child, loops); err != nil {
					return err
				}
			}
		}
		return nil
	}
	switch n := n.(type) {
	case *parse.ListNode:
		return branches(loops, n)
	case *parse.IfNode:
		return branches(loops, n.List, n.ElseList)
	case *parse.WithNode:
		return branches(loops, n.List, n.ElseList)
	case *parse.TemplateNode:
		return errors.New("template is not for alerts: write it in one piece")
	case *parse.RangeNode:
		if loops > 0 {
			return errors.New("a range stands inside another one: write them one after the other")
		}
		if !isList(n.Pipe) {
			return errors.New("a range goes over .stations, .aliases or .labels")
		}
		return branches(loops+1, n.List, n.ElseList)
	}
	return nil
}

// checkNames refuses what is not there to be shown. Inside with and range, a dot is
// something else, and only $ is known.
func checkNames(n parse.Node, sample map[string]any, dot bool) error {
	there := func(name string) error {
		if _, ok := sample[name]; !ok {
			return fmt.Errorf(".%s is not known here; there are .%s", name, strings.Join(sortedKeys(sample), ", ."))
		}
		return nil
	}
	var errs []error
	check := func(dot bool, nodes ...parse.Node) {
		for _, child := range nodes {
			if child != nil && !reflect.ValueOf(child).IsNil() {
				errs = append(errs, checkNames(child, sample, dot))
			}
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		check(dot, n.Nodes...)
	case *parse.ActionNode:
		check(dot, n.Pipe)
	case *parse.IfNode:
		check(dot, n.Pipe, n.List, n.ElseList)
	case *parse.WithNode:
		check(dot, n.Pipe, n.ElseList)
		check(false, n.List)
	case *parse.RangeNode:
		check(dot, n.Pipe, n.ElseList)
		check(false, n.List)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			check(dot, c.Args...)
		}
	case *parse.ChainNode:
		check(dot, n.Node)
	case *parse.FieldNode:
		if dot {
			return there(n.Ident[0])
		}
	case *parse.VariableNode:
		if n.Ident[0] == "$" && len(n.Ident) > 1 {
			return there(n.Ident[1])
		}
	}
	return errors.Join(errs...)
}

// isList reports whether a range goes over what is a list of bounded length.
func isList(p *parse.PipeNode) bool {
	if len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return false
	}
	field, ok := p.Cmds[0].Args[0].(*parse.FieldNode)
	return ok && len(field.Ident) == 1 && slices.Contains([]string{"stations", "aliases", "labels"}, field.Ident[0])
}

// boundedFuncs stand in for those of text/template that could give as much as one likes.
var boundedFuncs = template.FuncMap{
	"print":    func(args ...any) (string, error) { return bounded(fmt.Sprint(args...)) },
	"println":  func(args ...any) (string, error) { return bounded(fmt.Sprintln(args...)) },
	"printf":   boundedPrintf,
	"html":     func(args ...any) (string, error) { return bounded(html.EscapeString(fmt.Sprint(args...))) },
	"js":       func(args ...any) (string, error) { return bounded(template.JSEscapeString(fmt.Sprint(args...))) },
	"urlquery": func(args ...any) (string, error) { return bounded(template.URLQueryEscaper(args...)) },
	"call":     func(...any) (string, error) { return "", errors.New("call is not for alerts") },
	"join": func(list []string, by string) (string, error) {
		return bounded(strings.Join(list, by))
	},
}

func bounded(text string) (string, error) {
	if len(text) > maxPiece {
		return "", fmt.Errorf("a text grows beyond %d bytes", maxPiece)
	}
	return text, nil
}

// boundedPrintf takes no width or precision above 99.
func boundedPrintf(format string, args ...any) (string, error) {
	digits := 0
	for _, c := range []byte(format) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '*':
			return "", errors.New("printf takes no * here")
		default:
			digits = 0
		}
		if digits > 2 {
			return "", errors.New("printf takes no width above 99 here")
		}
	}
	return bounded(fmt.Sprintf(format, args...))
}

// errFull ends a rendering whose text is long enough.
var errFull = errors.New("full")

type boundedWriter struct {
	b     bytes.Buffer
	limit int
}

func (w *boundedWriter) Write(p []byte) (int, error) {
	room := w.limit - w.b.Len()
	if len(p) > room {
		w.b.WriteString(cut(string(p), max(0, room)))
		return 0, errFull
	}
	return w.b.Write(p)
}

// render words the facts. What is too long is cut.
func (w *wording) render(facts map[string]any) (text string, err error) {
	if w.template == nil {
		return w.plain, nil
	}
	if text, ok := w.fill(facts); ok {
		return text, nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the template fails: %v", r)
		}
	}()
	out := boundedWriter{limit: w.limit}
	if err := w.template.Execute(&out, facts); err != nil && !errors.Is(err, errFull) {
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	return strings.ToValidUTF8(out.b.String(), "\uFFFD"), nil
}
