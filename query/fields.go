package query

import "github.com/waybill-log/waybill/store/filter"

// Language is what a query can be made of.
type Language struct {
	Fields []Field  `json:"fields"` // what conditions can name, the likeliest first
	Words  []string `json:"words"`  // that stand between conditions
}

// Field is what a condition can name.
type Field struct {
	Name      string    `json:"name"`  // as it is written; one that ends in a dot goes on with the key of a label
	Field     string    `json:"field"` // of records; empty: it is about journeys or times
	Kind      FieldKind `json:"kind"`
	About     string    `json:"about"`
	Example   string    `json:"example"` // a condition
	Operators []string  `json:"operators"`
	Values    []string  `json:"values"` // those there are; empty: any
	Facets    bool      `json:"facets"` // the values of its field can be counted
}

// FieldKind says what a condition is about, and how it is searched.
type FieldKind string

// Kinds of fields. The first three are of records; a condition of the last kind holds for the whole query.
const (
	KeywordField FieldKind = "keyword" // as a whole or by its beginning
	NumberField  FieldKind = "number"
	TextField    FieldKind = "text" // by its words
	JourneyField FieldKind = "journey"
)

// NewLanguage tells what the parser has.
func NewLanguage() *Language {
	out := &Language{Words: filter.Words()}
	for _, n := range filter.All() {
		f := Field{Name: n.Name, Field: n.Field, Kind: JourneyField, About: n.About, Example: n.Example, Operators: n.Operators(), Values: append([]string{}, n.Values...), Facets: filter.Faceted(n.Field)}
		if !n.OfJourney() {
			f.Kind = FieldKind(n.Kind().String())
		}
		out.Fields = append(out.Fields, f)
	}
	return out
}
