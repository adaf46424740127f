package alerts

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// strictly reads a node into a struct, and refuses keys that the struct does not
// have: yaml.Node.Decode would skip them.
func strictly(n *yaml.Node, into any) error {
	if err := known(n, reflect.TypeOf(into).Elem()); err != nil {
		return err
	}
	return n.Decode(into)
}

var nodeType = reflect.TypeFor[yaml.Node]()

func known(n *yaml.Node, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		return fmt.Errorf("line %d: anchors and aliases are not for rules: write it out", n.Line)
	}
	switch {
	case t == nodeType:
	case t.Kind() == reflect.Slice:
		for _, child := range n.Content {
			if err := known(child, t.Elem()); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct:
		if n.Kind != yaml.MappingNode {
			if n.Tag == "!!null" {
				return nil
			}
			return fmt.Errorf("line %d: want keys and values here", n.Line)
		}
		fields := fieldsOf(t)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			field, ok := fields[key.Value]
			if !ok {
				return fmt.Errorf("line %d: %q is not known here; want one of %s", key.Line, cut(key.Value, 64), names(t))
			}
			if err := known(n.Content[i+1], field); err != nil {
				return err
			}
		}
	}
	return nil
}

func fieldsOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" && name != "-" {
			out[name] = t.Field(i).Type
		}
	}
	return out
}

func names(t reflect.Type) string {
	var out []string
	for name := range fieldsOf(t) {
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
