package ship

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/waybill-log/waybill/collector/intake"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/ship/format"
)

// maker makes records of one file's lines.
type maker struct {
	cfg     *Config
	receipt *Receipt
	known   *lru.Cache[string, struct{}] // aliases that were written

	of            *position
	name          string // of the file, for people
	format        string
	parser        format.Parser
	line          *intake.Foreign
	clock         format.Clock
	service, node string // by the path
	fallback      string // of service
	prefix        string // of event.id
	scratch       []byte
}

// tailBytes is room for what record.AppendTail writes.
const tailBytes = 1 << 10

// maxCopies bounds of how many journeys one line can be part.
const maxCopies = 100

func newMaker(cfg *Config, receipt *Receipt, known *lru.Cache[string, struct{}], of *position, form, path string, last time.Time) (*maker, error) {
	m := &maker{cfg: cfg, receipt: receipt, known: known, of: of, name: path, format: form, line: intake.NewForeign(), prefix: "file:" + of.ID + "-"}
	m.line.Also("time", "t", "datetime", "date", "eventTime", "@time")
	m.line.Also("message", "event", "short_message", "textPayload", "log", "@message", "text")
	m.line.Also("level", "lvl", "levelname", "loglevel", "log_level", "@level")
	m.line.Also("logger", "logger_name", "loggerName", "name")
	m.line.Also("service", "app", "application", "service_name", "serviceName")
	var err error
	if m.parser, err = format.New(m.format, format.Options{Pattern: cfg.Pattern, Times: cfg.Times}); err != nil {
		return nil, err
	}
	m.clock = format.Clock{Times: cfg.Times, Last: last, Anchor: of.Modified}
	for i := range cfg.Services {
		if m.service = cfg.Services[i].ofPath(path); m.service != "" {
			break
		}
	}
	for i := range cfg.Nodes {
		if m.node = cfg.Nodes[i].ofPath(path); m.node != "" {
			break
		}
	}
	m.fallback = of.Name
	return m, nil
}

// make writes the records of a piece into a batch.
func (m *maker) make(p piece, into *Batch) {
	if m.format == format.OTLP && m.exported(p, into) {
		return
	}
	f := m.line
	f.Reset()
	if m.format == format.OTLP || p.bare || !m.parser.Parse(p.text, f) {
		f.Reset()
		f.Message = p.text
		f.Label("waybill.unparsed", m.format)
		if m.receipt.Unparsed++; m.cfg.Unparsed != nil {
			m.cfg.Unparsed(m.name, p.offset, p.text)
		}
	}
	if p.long > 0 {
		m.receipt.Cut++
		f.Shortened(fmt.Sprintf("line of %d bytes", p.long))
		if len(f.Text()) == len(p.text) {
			f.Message += record.CutMark
		}
	}
	t := m.time(f, p.told)
	ids, others := m.ids(f, p.text)
	id := ""
	if len(ids) > 0 {
		id = ids[0]
	}
	r := f.Finish(t, id)
	r.Service = m.named(m.cfg.Services, m.service, p.text, r.Service)
	if r.Service == "" {
		r.Service = m.fallback
	}
	r.Node = m.named(m.cfg.Nodes, m.node, p.text, r.Node)
	r.ID = m.identity(p)
	m.receipt.Records++
	m.put(r, into)
	if len(ids) > 1 {
		own := r.ID
		for i, further := range ids[1:] {
			r.ID, r.CorrelationID = own+"-"+strconv.Itoa(i+2), further
			m.receipt.Copies++
			m.put(r, into)
		}
		r.ID, r.CorrelationID = own, id
	}
	m.aliases(r, others, into)
}

// time is when a line was written.
func (m *maker) time(f *intake.Foreign, wrapped string) time.Time {
	for _, told := range [...]string{f.Told(), wrapped} {
		if told == "" {
			continue
		}
		if t, ok := m.clock.Read(told); ok && record.Datable(t) {
			m.clock.Last = t
			return t
		}
		f.Label("waybill.time", record.Cut(told, 64))
	}
	m.receipt.Undated++
	if m.clock.Last.IsZero() {
		f.Label("waybill.undated", "as its file was first seen")
		return m.of.FirstSeen
	}
	f.Label("waybill.undated", "as the line before")
	return m.clock.Last
}

// ids finds the journey of a line, or all of them where all count, and the other names it gives it.
func (m *maker) ids(f *intake.Foreign, text string) (ids []string, others []record.Alias) {
	for i := range m.cfg.IDs {
		s := &m.cfg.IDs[i]
		if m.cfg.AllIDs {
			for _, id := range s.all(f, text, m.name, maxCopies) {
				if m.valid(id) && len(ids) < maxCopies && !slices.ContainsFunc(ids, func(known string) bool { return record.SameID(known, id) }) {
					ids = append(ids, id)
				}
			}
			continue
		}
		id := s.ofPath(m.name)
		if id == "" {
			id = s.ofLine(f, text)
		}
		switch {
		case !m.valid(id):
		case len(ids) == 0:
			ids = append(ids, id)
		case !record.SameID(id, ids[0]):
			others = append(others, record.Alias{Name: s.Name, Value: id})
		}
	}
	return ids, others
}

// valid counts what was found and can be no ID.
func (m *maker) valid(id string) bool {
	if id != "" && !record.ValidID(id) {
		m.receipt.BadIDs++
	}
	return record.ValidID(id)
}

// named is what the configuration says of a name, before what the line says by itself.
func (m *maker) named(sources []Source, path, text, own string) string {
	for i := range sources {
		if found := sources[i].ofLine(m.line, text); found != "" {
			return record.Cut(strings.Clone(found), 1<<10)
		}
	}
	if path != "" {
		return path
	}
	return own
}

// identity is the record's event.id. Offsets have one width, so that records of one moment stay in the
// order of their lines.
func (m *maker) identity(p piece) string {
	b := make([]byte, 0, len(m.prefix)+24)
	b = append(b, m.prefix...)
	b = append(appendHex(b, uint64(p.offset), 12), '-')
	return string(appendHex(b, p.sum>>32, 8))
}

func appendHex(b []byte, n uint64, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[n>>shift&15])
	}
	return b
}

// aliases gives a journey its other names, each once in a run.
func (m *maker) aliases(r *record.Record, others []record.Alias, into *Batch) {
	for i, a := range others {
		key := r.CorrelationID + "\x00" + a.Name + "\x00" + a.Value
		if known, _ := m.known.ContainsOrAdd(key, struct{}{}); known {
			continue
		}
		m.receipt.Aliases++
		m.put(&record.Record{
			Time: r.Time, Level: "info", Message: "alias " + a.Name, Service: r.Service, Node: r.Node, ID: r.ID + "-a" + strconv.Itoa(i+1),
			Kind: record.KindAlias, CorrelationID: r.CorrelationID, TraceID: r.TraceID, Alias: a,
		}, into)
	}
}

// put encodes a record.
func (m *maker) put(r *record.Record, into *Batch) {
	start := len(into.Body)
	body := record.AppendHead(into.Body, r)
	if len(body)-start+tailBytes > record.MaxBytes {
		m.scratch = record.Fit(record.AppendHead(m.scratch[:0], r), r, tailBytes)
		body = append(body[:start], m.scratch...)
	}
	into.Body = append(record.AppendTail(body, r), '\n')
	into.Records++
}

// exported takes a line of OTLP/JSON apart.
func (m *maker) exported(p piece, into *Batch) bool {
	undated := m.clock.Last
	if undated.IsZero() {
		undated = m.of.FirstSeen
	}
	if p.long > 0 {
		return false
	}
	records, err := intake.Exported([]byte(p.text), undated)
	if err != nil {
		return false
	}
	own := m.identity(p)
	for i := range records {
		r := &records[i]
		if r.Time != undated {
			m.clock.Last = r.Time
		}
		if strings.HasPrefix(r.ID, "sum:") {
			r.ID = own + "-" + string(appendHex(nil, uint64(i), 5))
		}
		m.line.Reset()
		for _, l := range r.Labels {
			m.line.Add(l.Key, l.Value)
		}
		m.line.Message = r.Message
		if ids, _ := m.ids(m.line, r.Message); len(ids) > 0 {
			r.CorrelationID, r.CorrelationKey = ids[0], ""
		}
		if r.Service == "" {
			r.Service = m.fallback
		}
		r.Raw = nil
		m.receipt.Records++
		m.put(r, into)
	}
	return true
}
