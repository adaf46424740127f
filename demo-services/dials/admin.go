package dials

import (
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Admin is a page on which dials are turned, for those who can reach it; services are those that have some.
//
//	GET  /              the page
//	GET  /dials         how they stand, as JSON
//	POST /dials/{name}  a form of the page, or JSON with the fields of [Dial] (durations in ns)
func (d *Dials) Admin(services []string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
		rows := make([]row, len(services))
		for i, name := range services {
			rows[i] = row{name, d.Of(name)}
		}
		_ = page.Execute(w, rows) // else the reader is gone
	})
	mux.HandleFunc("GET /dials", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(d.All())
	})
	mux.HandleFunc("POST /dials/{name}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if !slices.Contains(services, name) {
			http.Error(w, "no service of that name", http.StatusNotFound)
			return
		}
		dial, err := wanted(r)
		if err == nil {
			err = d.Turn(name, dial)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Location", "..") // of wherever this is mounted
		w.WriteHeader(http.StatusSeeOther)
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

// wanted reads how a service's dials shall stand.
func wanted(r *http.Request) (d Dial, err error) {
	if r.Header.Get("Content-Type") == "application/json" {
		decoder := json.NewDecoder(io.LimitReader(r.Body, maxBytes))
		decoder.DisallowUnknownFields()
		return d, decoder.Decode(&d)
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxBytes)
	if err := r.ParseForm(); err != nil {
		return d, err
	}
	duration := func(name string) (out time.Duration) {
		if text := r.PostForm.Get(name); text != "" {
			var wrong error
			out, wrong = time.ParseDuration(text)
			err = errors.Join(err, wrong)
		}
		return out
	}
	d.Latency, d.Skew = duration("latency"), duration("skew")
	if text := r.PostForm.Get("errors"); text != "" {
		var wrong error
		d.Errors, wrong = strconv.ParseFloat(text, 64)
		err = errors.Join(err, wrong)
	}
	on := func(name string) bool { return r.PostForm.Get(name) != "" }
	d.Withdrawn, d.Paused, d.LoseHeader, d.Sick = on("withdrawn"), on("paused"), on("lose_header"), on("sick")
	return d, err
}

type row struct {
	Name string
	Dial Dial
}

// On reports whether any of a service's dials is turned.
func (r row) On() bool { return r.Dial != Dial{} }

var page = template.Must(template.New("dials").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Dials of the demo</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem;color-scheme:light dark}form{display:flex;flex-wrap:wrap;gap:.4rem 1rem;align-items:end;border-top:1px solid #8886;padding:.6rem 0}
h2{font-size:1rem;margin:0;width:9rem}label{display:grid;font-size:.85rem}input[type=text]{width:6rem}.on{font-weight:bold}</style></head><body>
<h1>Dials of the demo</h1><p>What is turned here breaks the demo services, so that one sees how Waybill tells of it.</p>
{{range .}}<form method="post" action="dials/{{.Name}}"><h2 {{if .On}}class="on"{{end}}>{{.Name}}</h2>
<label>latency <input type="text" name="latency" value="{{if .Dial.Latency}}{{.Dial.Latency}}{{end}}" placeholder="300ms"></label>
<label>errors, 0 to 1 <input type="text" name="errors" value="{{if .Dial.Errors}}{{.Dial.Errors}}{{end}}" placeholder="0.3"></label>
<label>clock off by <input type="text" name="skew" value="{{if .Dial.Skew}}{{.Dial.Skew}}{{end}}" placeholder="-5m"></label>
<label>paused <input type="checkbox" name="paused" {{if .Dial.Paused}}checked{{end}}></label>
<label>withdrawn <input type="checkbox" name="withdrawn" {{if .Dial.Withdrawn}}checked{{end}}></label>
<label>loses headers <input type="checkbox" name="lose_header" {{if .Dial.LoseHeader}}checked{{end}}></label>
<label>sick <input type="checkbox" name="sick" {{if .Dial.Sick}}checked{{end}}></label>
<button>Turn</button></form>
{{end}}</body></html>
`))
