package gateway

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
)

// format is how requests and answers are written.
type format int

const (
	formatJSON format = iota
	formatXML
)

const maxDepth = 16 // of XML elements; ours have 4

var (
	errDirective = errors.New("XML with a document type is not read")
	errDepth     = errors.New("XML is nested too deep")
	errMore      = errors.New("there is more after it")
)

// formatOf knows media types. Patterns of Accept are JSON where that fits.
func formatOf(media string) (format, bool) {
	switch media {
	case "application/json", "application/*", "*/*":
		return formatJSON, true
	case "application/xml", "text/xml", "text/*":
		return formatXML, true
	}
	return 0, false
}

// accepted is the format that a caller wants most, the first of several; JSON
// where it does not say.
func accepted(r *http.Request) (best format, err error) {
	headers := r.Header.Values("Accept")
	if len(headers) == 0 {
		return formatJSON, nil
	}
	weight := 0.0
	for item := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		media, params, err := mime.ParseMediaType(item)
		if err != nil {
			continue
		}
		if f, ok := formatOf(media); ok && quality(params) > weight {
			best, weight = f, quality(params)
		}
	}
	if weight == 0 {
		return best, refuse(http.StatusNotAcceptable, "not-acceptable", "Answers are application/json or application/xml.")
	}
	return best, nil
}

func quality(params map[string]string) float64 {
	text, ok := params["q"]
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || q < 0 || q > 1 {
		return 0
	}
	return q
}

// write answers with v in a format.
func write(c echo.Context, status int, as format, v any) error {
	c.Response().Header().Add("Vary", "Accept")
	if as == formatXML {
		text, err := xml.Marshal(v)
		if err != nil {
			return fmt.Errorf("write XML: %w", err)
		}
		return c.Blob(status, "application/xml; charset=utf-8", append([]byte(xml.Header), text...))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return c.Blob(status, "application/json", text)
}

// decode reads a request's body as what its Content-Type says.
func decode(r *http.Request, v any) error {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	as, ok := formatOf(media)
	if charset := params["charset"]; err != nil || !ok || strings.Contains(media, "*") || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return refuse(http.StatusUnsupportedMediaType, "unsupported-media-type", "Bodies are application/json or application/xml, in UTF-8.")
	}
	if as == formatXML {
		err = decodeXML(r.Body, v)
	} else {
		err = decodeJSON(r.Body, v)
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return err
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "malformed-body", "The body cannot be read.").because(err)
	}
	return nil
}

func decodeJSON(body io.Reader, v any) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.Join(errMore, err)
	}
	return nil
}

func decodeXML(body io.Reader, v any) error {
	d := xml.NewTokenDecoder(&plainXML{d: xml.NewDecoder(body)})
	if err := d.Decode(v); err != nil {
		return err
	}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if space, ok := t.(xml.CharData); err != nil || !ok || strings.TrimSpace(string(space)) != "" {
			return errors.Join(errMore, err)
		}
	}
}

// plainXML reads elements and text. Entities come only with a document type,
// which is refused; encoding/xml itself knows no others than the five of XML.
type plainXML struct {
	d     *xml.Decoder
	depth int
}

// Token implements xml.TokenReader.
func (p *plainXML) Token() (xml.Token, error) {
	t, err := p.d.Token()
	switch t.(type) {
	case xml.Directive:
		return nil, errDirective
	case xml.StartElement:
		p.depth++
	case xml.EndElement:
		p.depth--
	}
	if p.depth > maxDepth {
		return nil, errDepth
	}
	return t, err
}
