package query

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"io"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

// page is an export in parts, since the middle is as long as the journey. It has no script.
var page = template.Must(template.New("head").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.CorrelationID}}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{font:14px/1.4 system-ui,sans-serif;margin:2rem;color:#222}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #ddd}
code,pre{font:12px/1.4 ui-monospace,monospace;overflow-wrap:anywhere;white-space:pre-wrap}.error td{background:#fee}.hash{color:#777}</style></head><body>
<h1>{{.CorrelationID}}</h1>
<p><strong>{{.Verdict}}</strong>: {{.Reason}}</p>
<p>{{.Completeness}}: {{.CompletenessReason}}</p>
<p>{{.Kind}}, from {{.Start.UTC.Format "2006-01-02T15:04:05.000000000Z"}} to {{.End.UTC.Format "2006-01-02T15:04:05.000000000Z"}}{{with .AsOf}}, as of {{.UTC.Format "2006-01-02T15:04:05.000Z"}}{{end}}</p>
<table><tr><th>Station</th><th>Hop</th><th>Start</th><th>Outcome</th></tr>
{{range .Hops}}<tr><td>{{.Service}}</td><td>{{.Name}}</td><td>{{.Start.UTC.Format "15:04:05.000000"}}</td><td>{{.Outcome}} {{.Error}}</td></tr>
{{end}}</table>
<h2>Records</h2>
<table><tr><th>Time</th><th>Service</th><th>Level</th><th>Record</th></tr>
{{define "row"}}<tr class="{{.Level}}"><td>{{.Time}}</td><td>{{.Service}}</td><td>{{.Level}}</td><td>{{.Message}}<details><summary class="hash">sha256 {{.Hash}}</summary><pre>{{.Raw}}</pre></details></td></tr>
{{end}}{{define "foot"}}</table>
<p>{{.Records}} records. sha256 of all of them, each with a line feed behind it: <code>{{.Hash}}</code></p>
</body></html>
{{end}}`))

type row struct{ Time, Service, Level, Message, Hash, Raw string }

type foot struct {
	Records int
	Hash    string
}

// HTML writes a page that needs nothing else. What it says of the journey is as [Desk.Journey] says it.
func (e *Export) HTML(ctx context.Context, w io.Writer) error {
	j, err := e.desk.built(ctx, e.ID, maxRecords)
	if err != nil {
		return err
	}
	head := *j
	head.Hops = head.Hops[:min(len(head.Hops), maxHops)]
	if err := page.ExecuteTemplate(w, "head", &head); err != nil {
		return err
	}
	whole, records := sha256.New(), 0
	err = e.each(ctx, func(entry *store.Entry, r *record.Record) error {
		sum := sha256.Sum256(entry.Raw)
		whole.Write(entry.Raw)
		whole.Write([]byte{'\n'})
		records++
		return page.ExecuteTemplate(w, "row", row{
			Time: record.FormatTime(r.Time), Service: r.Service, Level: r.Level, Message: r.Message, Hash: hex.EncodeToString(sum[:]), Raw: string(entry.Raw),
		})
	})
	if err != nil {
		return err
	}
	return page.ExecuteTemplate(w, "foot", foot{records, hex.EncodeToString(whole.Sum(nil))})
}

// maxHops is how many hops the page lists.
const maxHops = 1000
