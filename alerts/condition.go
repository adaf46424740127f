package alerts

import (
	"errors"
	"fmt"
	"reflect"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// Bounds of a condition. With the bounds of what it is asked about, they bound how long
// it runs: nothing has to be broken off.
const (
	maxCondition = 4096 // bytes
	maxNodes     = 200
	maxPattern   = 256  // bytes
	maxProgram   = 2000 // instructions of a pattern
	conditionMem = 100_000
)

// allowedBuiltins neither loop in loops, nor grow, nor know the time.
var allowedBuiltins = []string{"all", "none", "any", "one", "count", "len", "lower", "upper", "trim", "hasPrefix", "hasSuffix", "indexOf", "int", "duration"}

// condition is a compiled expression over facts of one type.
type condition struct {
	text    string
	program *vm.Program
	needs   []need
	labels  bool // it asks for labels
}

// need is a field that must have one of some values for a condition to hold.
type need struct {
	field  string
	values []string
}

// wants are the values one of which a field must have; nil: it may have any.
func (c *condition) wants(field string) []string {
	for i := range c.needs {
		if c.needs[i].field == field {
			return c.needs[i].values
		}
	}
	return nil
}

// newCondition compiles text, which is asked about facts, a struct.
func newCondition(text string, facts any) (*condition, error) {
	if len(text) > maxCondition {
		return nil, fmt.Errorf("the condition is longer than %d bytes: make several rules of it", maxCondition)
	}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, explain(err)
	}
	c := &condition{text: text}
	check := &checker{}
	ast.Walk(&tree.Node, check)
	check.loops(tree.Node, 0)
	if err := errors.Join(check.errs...); err != nil {
		return nil, err
	}
	c.labels = check.labels
	c.need(tree.Node)
	options := []expr.Option{expr.Env(facts), expr.AsBool(), expr.MaxNodes(maxNodes), expr.DisableAllBuiltins(), expr.Patch(visited{})}
	for _, name := range allowedBuiltins {
		options = append(options, expr.EnableBuiltin(name))
	}
	if c.program, err = expr.Compile(text, options...); err != nil {
		return nil, explain(err)
	}
	return c, nil
}

// explain is what expr says, on one line and with the place.
func explain(err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		return fmt.Errorf("the condition is wrong at column %d: %s", at.Column+1, at.Message)
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return fmt.Errorf("the condition is wrong: %s", text)
}

var machines = sync.Pool{New: func() any { return &vm.VM{MemoryBudget: conditionMem} }}

// may reports whether the condition could hold, without running it.
func (c *condition) may(of facts) bool {
	for i := range c.needs {
		if has := of.values(c.needs[i].field); has != nil && !share(has, c.needs[i].values) {
			return false
		}
	}
	return true
}

func share(a, b []string) bool {
	for _, s := range a {
		if slices.Contains(b, s) {
			return true
		}
	}
	return false
}

// holds asks the condition. One that fails holds: in doubt somebody is told.
func (c *condition) holds(of facts) (bool, error) {
	if !c.may(of) {
		return false, nil
	}
	machine := machines.Get().(*vm.VM)
	defer machines.Put(machine)
	out, err := machine.Run(c.program, of)
	if err != nil {
		return true, explain(err)
	}
	return out.(bool), nil
}

// need notes what must be so for a node to hold: fields that are one of some constants.
func (c *condition) need(n ast.Node) {
	switch n := n.(type) {
	case *ast.BinaryNode:
		switch n.Operator {
		case "and", "&&":
			c.need(n.Left)
			c.need(n.Right)
		case "==":
			if field, ok := n.Left.(*ast.IdentifierNode); ok {
				c.needOne(field.Value, n.Right)
			} else if field, ok := n.Right.(*ast.IdentifierNode); ok {
				c.needOne(field.Value, n.Left)
			}
		case "in":
			field, ok := n.Left.(*ast.IdentifierNode)
			list, ok2 := n.Right.(*ast.ArrayNode)
			if ok && ok2 {
				c.needOne(field.Value, list.Nodes...)
			}
		}
	case *ast.CallNode:
		if callee, ok := n.Callee.(*ast.IdentifierNode); ok && callee.Value == "visited" {
			c.needOne("stations", n.Arguments...)
		}
	}
}

func (c *condition) needOne(field string, nodes ...ast.Node) {
	var values []string
	for _, n := range nodes {
		text, ok := n.(*ast.StringNode)
		if !ok {
			return
		}
		values = append(values, text.Value)
	}
	if c.wants(field) == nil {
		c.needs = append(c.needs, need{field, values})
	}
}

// visited has visited("bank") mean "bank" in stations.
type visited struct{}

// Visit implements ast.Visitor.
func (visited) Visit(n *ast.Node) {
	call, ok := (*n).(*ast.CallNode)
	if !ok {
		return
	}
	if callee, ok := call.Callee.(*ast.IdentifierNode); ok && callee.Value == "visited" && len(call.Arguments) == 1 {
		ast.Patch(n, &ast.BinaryNode{Operator: "in", Left: call.Arguments[0], Right: &ast.IdentifierNode{Value: "stations"}})
	}
}

// checker refuses what could run long or grow.
type checker struct {
	errs   []error
	labels bool
}

// Visit implements ast.Visitor.
func (c *checker) Visit(n *ast.Node) {
	switch n := (*n).(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.UnaryNode, *ast.PredicateNode, *ast.PointerNode, *ast.ConditionalNode,
		*ast.ArrayNode, *ast.MemberNode, *ast.ChainNode:
	case *ast.IdentifierNode:
		c.labels = c.labels || n.Value == "labels"
	case *ast.BinaryNode:
		c.binary(n)
	case *ast.CallNode:
		callee, ok := n.Callee.(*ast.IdentifierNode)
		if !ok || callee.Value != "visited" && !slices.Contains(allowedBuiltins, callee.Value) || callee.Value == "visited" && len(n.Arguments) != 1 {
			c.refuse("it calls what it must not: use visited(\"service\") and %s", strings.Join(allowedBuiltins, ", "))
		}
	case *ast.BuiltinNode:
		if !slices.Contains(allowedBuiltins, n.Name) {
			c.refuse("%s is not for conditions of alerts: use %s", n.Name, strings.Join(allowedBuiltins, ", "))
		}
	default:
		name := strings.TrimSuffix(reflect.TypeOf(n).Elem().Name(), "Node")
		c.refuse("%s is not for conditions of alerts: compare fields, and combine that with and, or, not", strings.ToLower(name))
	}
}

func (c *checker) refuse(format string, args ...any) {
	if len(c.errs) < 3 {
		c.errs = append(c.errs, fmt.Errorf(format, args...))
	}
}

func (c *checker) binary(n *ast.BinaryNode) {
	switch n.Operator {
	case "..", "**", "^":
		c.refuse("%s is not for conditions of alerts", n.Operator)
	case "matches":
		pattern, ok := n.Right.(*ast.StringNode)
		if !ok {
			c.refuse("matches wants a constant pattern in quotes")
			return
		}
		if err := checkPattern(pattern.Value); err != nil {
			c.refuse("%w", err)
		}
	}
}

// loops refuses a loop inside a loop.
func (c *checker) loops(n ast.Node, deep int) {
	b, ok := n.(*ast.BuiltinNode)
	if ok && len(b.Arguments) == 2 {
		if p, ok := b.Arguments[1].(*ast.PredicateNode); ok {
			if deep > 0 {
				c.refuse("%s stands inside another loop: make two rules of it", b.Name)
				return
			}
			c.loops(b.Arguments[0], deep)
			c.loops(p.Node, deep+1)
			return
		}
	}
	for _, child := range children(n) {
		c.loops(child, deep)
	}
}

func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.CallNode:
		return n.Arguments
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.ArrayNode:
		return n.Nodes
	}
	return nil
}

// checkPattern refuses what is no RE2 pattern, or one that unfolds to a large program.
func checkPattern(text string) error {
	if len(text) > maxPattern {
		return fmt.Errorf("a pattern is longer than %d bytes: write a shorter one", maxPattern)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return fmt.Errorf("the pattern %q is wrong: %w", text, err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return fmt.Errorf("the pattern %q is wrong: %w", text, err)
	}
	if len(program.Inst) > maxProgram {
		return fmt.Errorf("the pattern %q unfolds to %d instructions, more than %d: repeat less", text, len(program.Inst), maxProgram)
	}
	return nil
}
