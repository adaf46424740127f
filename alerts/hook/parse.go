package hook

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ParseReceivers reads the list of receivers in a rules file, strictly. Errors name receiver and line.
// It reads none of the files that receivers name.
func ParseReceivers(list *yaml.Node) ([]Receiver, error) {
	if list == nil || list.IsZero() || list.Tag == "!!null" {
		return nil, nil
	}
	if list.Kind == yaml.DocumentNode && len(list.Content) == 1 {
		list = list.Content[0]
	}
	if list.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("receivers (line %d): want a list, each with a name and a kind", list.Line)
	}
	all := make([]Receiver, len(list.Content))
	for i, node := range list.Content {
		r := &all[i]
		r.Line, r.Name = node.Line, nameOf(node)
		err := strict(node, reflect.TypeFor[Receiver](), 0)
		if err == nil {
			err = node.Decode(r)
		}
		if err != nil {
			var typed *yaml.TypeError
			if errors.As(err, &typed) {
				err = errors.New(strings.Join(typed.Errors, "; "))
			}
			return nil, r.wrong(err)
		}
	}
	return all, checkReceivers(all)
}

func nameOf(node *yaml.Node) string {
	var named struct {
		Name string `yaml:"name"`
	}
	_ = node.Decode(&named) // what is wrong shows when all is decoded
	return named.Name
}

// maxDepth is more than any setting needs.
const maxDepth = 10

// strict finds what node has and t has not: yaml decodes a file strictly, but not a node.
func strict(node *yaml.Node, t reflect.Type, depth int) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return fmt.Errorf("line %d: anchors and aliases are not taken here: write it out", node.Line)
	case depth > maxDepth:
		return fmt.Errorf("line %d: it is nested too deeply", node.Line)
	case t.Kind() == reflect.Slice && node.Kind == yaml.SequenceNode:
		for _, one := range node.Content {
			if err := strict(one, t.Elem(), depth+1); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct && node.Kind == yaml.MappingNode:
		fields := fieldsOf(t)
		seen := map[string]bool{}
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i]
			field, ok := fields[key.Value]
			if !ok {
				return fmt.Errorf("line %d: field %.100q is not known here: drop it, or look at its spelling", key.Line, key.Value)
			}
			if seen[key.Value] {
				return fmt.Errorf("line %d: field %s stands here twice", key.Line, key.Value)
			}
			seen[key.Value] = true
			if err := strict(node.Content[i+1], field, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// fieldsOf are a struct's, as yaml names them.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			for name, inner := range fieldsOf(f.Type) {
				fields[name] = inner
			}
		case name != "" && name != "-":
			fields[name] = f.Type
		}
	}
	return fields
}
