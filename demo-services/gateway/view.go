package gateway

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
)

// view makes one version's answer of the home page.
type view func(*home, frame) any

// frame is what both versions say beside the services' parts.
type frame struct {
	User          string   `json:"user" xml:"user"`
	CorrelationID string   `json:"correlation_id" xml:"correlation_id"`
	Track         string   `json:"track,omitempty" xml:"track,omitempty"`
	Partial       bool     `json:"partial" xml:"partial"`
	Missing       []string `json:"missing,omitempty" xml:"missing>service,omitempty"`
}

// page is an answer: P is a product in its version. A part that is missing is
// null in JSON, and one that is empty is not.
type page[P any] struct {
	XMLName xml.Name `json:"-" xml:"home"`
	frame
	Orders          []order          `json:"orders" xml:"orders>order"`
	Reviews         []review         `json:"reviews" xml:"reviews>review"`
	Products        []P              `json:"products" xml:"products>product"`
	Recommendations []recommendation `json:"recommendations" xml:"recommendations>recommendation"`
	Stock           []units          `json:"stock" xml:"stock>product"`
	Cart            []item           `json:"cart" xml:"cart>item"`
}

// productV1 has one name and whole dollars.
type productV1 struct {
	ID    id     `json:"id" xml:"id,attr"`
	Name  string `json:"name" xml:"name"`
	Price int64  `json:"price" xml:"price"`
}

// productV2 has a name for each language, and says what its price is in.
type productV2 struct {
	ID    id    `json:"id" xml:"id,attr"`
	Name  names `json:"name" xml:"name"`
	Price money `json:"price" xml:"price"`
}

// money is an amount with decimals, such as 12.00 of USD.
type money struct {
	Amount   string `json:"amount" xml:"amount"`
	Currency string `json:"currency" xml:"currency"`
}

func dollars(n int64) money { return money{fmt.Sprintf("%d.00", n), "USD"} }

func viewV1(h *home, f frame) any {
	return pageOf(h, f, func(p product) productV1 { return productV1{p.ID, p.Name["en"], p.Price} })
}

func viewV2(h *home, f frame) any {
	return pageOf(h, f, func(p product) productV2 { return productV2{p.ID, p.Name, dollars(p.Price)} })
}

func pageOf[P any](h *home, f frame, version func(product) P) *page[P] {
	products := make([]P, 0, len(h.products.Products))
	for _, p := range h.products.Products {
		products = append(products, version(p))
	}
	lacks := func(service string) bool { return slices.Contains(f.Missing, service) }
	return &page[P]{
		frame:           f,
		Orders:          part(h.orders.Orders, lacks("orders")),
		Reviews:         part(h.reviews.Reviews, lacks("reviews")),
		Products:        part(products, lacks("products")),
		Recommendations: part(h.recommendations.Recommendations, lacks("recommendations")),
		Stock:           part(h.stock.Stock, lacks("stock")),
		Cart:            part(h.cart.Items, lacks("cart")),
	}
}

func part[T any](of []T, missing bool) []T {
	if missing {
		return nil
	}
	return append([]T{}, of...)
}

// id is a text; services may write it as a number too.
type id string

// UnmarshalJSON implements json.Unmarshaler.
func (i *id) UnmarshalJSON(text []byte) error {
	if text[0] != '"' {
		*i = id(text)
		return nil
	}
	return json.Unmarshal(text, (*string)(i))
}

// names are a name by language tag.
type names map[string]string

// MarshalXML implements xml.Marshaler: an element for each language.
func (n names) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	for _, lang := range slices.Sorted(maps.Keys(n)) {
		start.Attr = []xml.Attr{{Name: xml.Name{Local: "xml:lang"}, Value: lang}}
		if err := e.EncodeElement(n[lang], start); err != nil {
			return err
		}
	}
	return nil
}
