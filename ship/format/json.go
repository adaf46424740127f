package format

import (
	"unsafe"

	"github.com/valyala/fastjson"

	"github.com/waybill-log/waybill/collector/intake"
)

// maxDepth bounds the groups whose members are named one by one; what is nested
// deeper is kept as JSON. It is that of collector/intake.
const maxDepth = 16

// largeLine is a line whose parser is not kept: its memory would be.
const largeLine = 64 << 10

// jsonParser reads a JSON object.
type jsonParser struct {
	parser *fastjson.Parser
	arena  []byte // of texts that are not in the line as they are
}

func (p *jsonParser) Parse(text string, f *intake.Foreign) bool {
	o := p.object(text)
	if o == nil || o.Len() == 0 {
		return false
	}
	p.group("", o, 1, f)
	return true
}

// object returns what is good until the next call; nil if text is no object.
func (p *jsonParser) object(text string) *fastjson.Object {
	parser := p.parser
	switch {
	case len(text) > largeLine:
		parser, p.arena = &fastjson.Parser{}, nil
	case parser == nil:
		p.parser = &fastjson.Parser{}
		parser = p.parser
	}
	v, err := parser.Parse(text)
	if err != nil || v.Type() != fastjson.TypeObject {
		return nil
	}
	p.arena = p.arena[:0]
	return v.GetObject()
}

func (p *jsonParser) group(prefix string, o *fastjson.Object, depth int, f *intake.Foreign) {
	o.Visit(func(key []byte, v *fastjson.Value) {
		name := shared(key)
		if prefix != "" {
			name = p.keep(append(append(p.arena, prefix...), key...))
		}
		if v.Type() == fastjson.TypeObject && depth < maxDepth && v.GetObject().Len() > 0 {
			p.group(p.keep(append(append(p.arena, name...), '.')), v.GetObject(), depth+1, f)
			return
		}
		f.Add(name, p.text(v))
	})
}

// text is a string's content, and of any other value its JSON.
func (p *jsonParser) text(v *fastjson.Value) string {
	if v.Type() == fastjson.TypeString {
		return shared(v.GetStringBytes())
	}
	return p.keep(v.MarshalTo(p.arena))
}

// keep takes the arena with something behind it, and returns that. Texts in an arena
// that had to move stay where they were.
func (p *jsonParser) keep(grown []byte) string {
	added := grown[len(p.arena):]
	p.arena = grown
	return shared(added)
}

func shared(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
