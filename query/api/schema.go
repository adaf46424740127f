package api

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/record"
)

const schemaRef = "#/components/schemas/"

// schemas are how answers are described.
func schemas() huma.Registry {
	r := huma.NewMapRegistry(schemaRef, huma.DefaultSchemaNamer)
	r.RegisterTypeAlias(reflect.TypeFor[record.Record](), reflect.TypeFor[recordSchema]())
	r.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[problem]())
	return r
}

// recordSchema is how records are described: as they were written.
type recordSchema struct{}

// Schema implements huma.SchemaProvider.
func (recordSchema) Schema(r huma.Registry) *huma.Schema {
	text := func(description string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: description}
	}
	return named(r, "Record", &huma.Schema{
		Type: huma.TypeObject, Description: "A record as its service wrote it: flat ECS names", AdditionalProperties: true,
		Properties: map[string]*huma.Schema{
			"@timestamp": text("RFC 3339, by the service's own clock"), "event.id": text("Its identity"), "message": text(""), "log.level": text(""),
			"service.name": text(""), "correlation.id": text("Of its journey"),
		},
	})
}

// named gives a schema a name of its own.
func named(r huma.Registry, name string, s *huma.Schema) *huma.Schema {
	s.PrecomputeMessages()
	r.Map()[name] = s
	return &huma.Schema{Ref: schemaRef + name}
}

// enum is a set of words, and the properties that have one of them.
type enum struct {
	name   string
	words  []any
	having []string // Schema.property
}

// enums are those of what is answered.
func enums() []enum {
	return []enum{
		{"Verdict", []any{journey.Stalled, journey.Exception, journey.InTransit, journey.Returned, journey.Delivered, journey.Unconfirmed},
			[]string{"Journey.verdict", "Saga.verdict", "Summary.verdict", "Choice.verdict"}},
		{"Completeness", []any{journey.Proved, journey.Unproved, journey.Lossy}, []string{"Journey.completeness", "Summary.completeness"}},
		{"Outcome", []any{journey.Open, journey.Success, journey.Failure, journey.Unknown}, []string{"Hop.outcome"}},
		{"HopKind", []any{"", "server", "consumer", "producer", "client", "internal"}, []string{"Hop.kind"}},
		{"Transport", []any{journey.OverHTTP, journey.OverKafka, journey.Locally}, []string{"Leg.transport", "Edge.transport"}},
		{"Code", words(journey.Codes()), []string{"Finding.code"}},
		{"What", []any{journey.Missing, journey.Extra, journey.Slow, journey.Waited, journey.Failing}, []string{"Divergence.what"}},
		{"FieldKind", []any{query.KeywordField, query.NumberField, query.TextField, query.JourneyField}, []string{"Field.kind"}},
		{"NodeKind", []any{"service", "topic"}, []string{"Node.kind"}},
	}
}

func words[T any](all []T) (out []any) {
	for _, w := range all {
		out = append(out, w)
	}
	return out
}

// settle says of the schemas what their Go types do not: no list is null, and which words there are.
func settle(r huma.Registry) error {
	all := r.Map()
	for _, s := range all {
		for _, p := range s.Properties {
			p.Nullable = p.Nullable && p.Type != huma.TypeArray
		}
	}
	for _, e := range enums() {
		words := &huma.Schema{Type: huma.TypeString}
		for _, w := range e.words {
			words.Enum = append(words.Enum, fmt.Sprint(w))
		}
		ref := named(r, e.name, words)
		for _, path := range e.having {
			of, property, _ := strings.Cut(path, ".")
			if s := all[of]; s == nil || s.Properties[property] == nil {
				return fmt.Errorf("no answer has %s", path)
			}
			all[of].Properties[property] = ref
		}
	}
	return nil
}
