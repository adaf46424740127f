package terminal

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/template"

	"github.com/waybill-log/waybill/record"
)

// Template makes text of a record as somebody wants it, in the language of text/template:
//
//	{{.Time}} {{.Service}} {{.Message}} {{.Labels.order_id}}
type Template struct{ parsed *template.Template }

// templateFields are what a template may name, for people.
const templateFields = ".Time .Level .Service .Instance .Message .Error .Kind .ID .EventID .Trace .Span .Operation .Outcome .Labels.KEY .JSON"

const (
	maxTemplate = 64 << 10 // bytes of one
	maxWritten  = 1 << 20  // bytes that one makes of a record
)

// ParseTemplate reads a template, and tries it.
func ParseTemplate(text string) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("a template has at most %d bytes", maxTemplate)
	}
	parsed, err := template.New("template").Option("missingkey=zero").Parse(text)
	if err == nil {
		err = parsed.Execute(&bounded{}, seen{Labels: map[string]string{}})
	}
	if err != nil {
		return nil, fmt.Errorf("%w; there are %s", err, templateFields)
	}
	return &Template{parsed}, nil
}

// seen is what a template sees of a record, clean.
type seen struct {
	Time, Level, Service, Instance, Message, Error, Kind, ID, EventID, Trace, Span, Operation, Outcome, JSON string

	Labels map[string]string
}

func (t *Template) append(dst []byte, s *Style, r *record.Record) ([]byte, error) {
	v := seen{
		Time: s.time(r.Time), Level: s.text(r.Level), Service: s.text(r.Service), Instance: s.text(r.Node), Message: s.text(r.Message), Error: s.text(r.Error.Message),
		Kind: s.text(string(r.Kind)), ID: s.text(r.CorrelationID), EventID: s.text(r.Identity()), Trace: s.text(r.TraceID), Span: s.text(r.SpanID),
		Operation: s.text(r.SpanName), Outcome: s.text(r.Outcome), Labels: make(map[string]string, len(r.Labels)),
	}
	if s.Unsafe {
		v.JSON = string(r.Raw)
	} else {
		v.JSON = string(AppendJSON(nil, r.Raw))
	}
	for _, l := range r.Labels {
		v.Labels[l.Key] = s.text(l.Value)
	}
	var b bounded
	if err := t.parsed.Execute(&b, v); err != nil {
		return dst, err
	}
	dst = append(dst, b.String()...)
	if !strings.HasSuffix(b.String(), "\n") {
		dst = append(dst, '\n')
	}
	return dst, nil
}

// bounded refuses what a template writes beyond what one may.
type bounded struct{ strings.Builder }

var errWritten = errors.New("the template makes more than 1 MiB of a record")

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxWritten {
		return 0, errWritten
	}
	return b.Builder.Write(p)
}

var _ io.Writer = (*bounded)(nil)
