package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"mime"
	"net/http"
	"time"

	"github.com/waybill-log/waybill/record"
)

// maxRefused bounds how many refused lines an answer names.
const maxRefused = 100

// taken is the answer to NDJSON.
type taken struct {
	Accepted     int           `json:"accepted"`
	RefusedCount int           `json:"refused_count"`
	Refused      []refusedLine `json:"refused"` // the first of them
}

type refusedLine struct {
	Line   int    `json:"line"` // from 1
	Reason string `json:"reason"`
}

// problem is an error for the caller (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// Records serves POST /api/v1/records: one JSON object a line.
func (in *Intake) Records() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/records", func(w http.ResponseWriter, r *http.Request) {
		l := in.memory.lease()
		defer l.release()
		t, err := in.ndjson(w, r, l)
		if err != nil {
			no := in.refused(err)
			no.header(w.Header())
			reply(w, no.status, "application/problem+json", problem{"about:blank", http.StatusText(no.status), no.status, no.detail})
			return
		}
		code := http.StatusOK
		if t.Accepted == 0 && t.RefusedCount > 0 {
			code = http.StatusBadRequest
		}
		reply(w, code, "application/json", t)
	})
	return mux
}

func reply(w http.ResponseWriter, code int, media string, v any) {
	w.Header().Set("Content-Type", media)
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

func (in *Intake) ndjson(w http.ResponseWriter, r *http.Request, l *lease) (*taken, error) {
	if err := in.authorize(r.Header.Get("Authorization")); err != nil {
		return nil, err
	}
	// A type that a page of another origin may not send unasked (CORS).
	switch media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", typeJSON:
	default:
		return nil, &refusal{status: http.StatusUnsupportedMediaType, detail: fmt.Sprintf("Content-Type %.64q: want application/x-ndjson", media)}
	}
	body, err := in.body(w, r, l)
	if err != nil {
		return nil, err
	}
	t, b, err := in.lines(body, l, time.Now())
	if err != nil {
		return nil, err
	}
	return t, in.ship(r.Context(), b)
}

// lines maps every line of a body. Its error is a *refusal of them all.
func (in *Intake) lines(body []byte, l *lease, received time.Time) (*taken, *batch, error) {
	var whole []ownLine
	for number, text := range numbered(body) { // first what tells the correlation IDs of traces, whatever the order
		switch own, d, err := readLine(text, received); {
		case err != nil:
		case d == nil:
			in.traces.learn(own.TraceID, own.CorrelationID)
			whole = append(whole, ownLine{number, own.CorrelationKey})
		default:
			id, _ := d.claim.id()
			in.traces.learn(d.TraceID, id)
		}
	}
	t := &taken{Refused: []refusedLine{}}
	b := in.batch(l)
	for number, text := range numbered(body) {
		if len(whole) > 0 && whole[0].number == number {
			if err := b.add(whole[0].key, text); err != nil {
				return nil, nil, err
			}
			whole = whole[1:]
			t.Accepted++
			continue
		}
		_, d, err := readLine(text, received)
		switch {
		case err != nil:
			if t.RefusedCount++; len(t.Refused) < maxRefused {
				t.Refused = append(t.Refused, refusedLine{number, err.Error()})
			}
			continue
		default:
			if d.ID == "" {
				d.ID = b.id(d.content)
			}
			d.finish()
			in.traces.correlate(d)
			err = b.put(&d.Record)
		}
		if err != nil {
			return nil, nil, err
		}
		t.Accepted++
	}
	return t, b, nil
}

// ownLine is a line that is a record of our contract.
type ownLine struct {
	number int
	key    string // shares the body's memory
}

// numbered are the lines of a body that are not blank, from 1.
func numbered(body []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		number := 0
		for text := range bytes.Lines(body) {
			number++
			if text = bytes.TrimSpace(text); len(text) > 0 && !yield(number, text) {
				return
			}
		}
	}
}

// readLine returns a record of our contract, which shares the line's memory and is without labels, or the draft of
// another one. Its error says why the line is refused.
func readLine(text []byte, received time.Time) (record.Record, *draft, error) {
	if r, err := record.View(text); err == nil {
		return r, nil, nil
	}
	if len(text) > maxLine {
		return record.Record{}, nil, fmt.Errorf("%d bytes, more than %d", len(text), maxLine)
	}
	l, err := parseLine(text)
	if err != nil {
		return record.Record{}, nil, err
	}
	d := &draft{}
	if err := l.draft(d, received); err != nil {
		return record.Record{}, nil, err
	}
	return record.Record{}, d, nil
}
