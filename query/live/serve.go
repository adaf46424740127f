package live

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	heartbeat  = 15 * time.Second
	writeBytes = 64 << 10        // what a client has Config.Stall to take
	retryAfter = 2 * time.Second // said to clients
)

// Serve writes what comes as server-sent events until the client is gone, which is no
// error, or the follower has ended. A client that stalls is cut; it can come back with its last event's id.
//
//	event: record    the record as it was written
//	event: receipt   {"matched":12,"shown":10,"skipped":2,"as_of":"…"}
//	event: gap       {"partition":0,"from":17,"until":40}
func (s *Subscription) Serve(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // or nginx gathers
	out := &stream{to: http.NewResponseController(w), stall: s.f.cfg.Stall}
	out.Writer = bufio.NewWriterSize(w, writeBytes)
	fmt.Fprintf(out, "retry: %d\n\n", retryAfter.Milliseconds())
	for err := out.flush(); ; err = out.flush() {
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded): // asked first: it ends the request, too
			return fmt.Errorf("a client of the tail has taken nothing for %s, and is cut: %w", out.stall, err)
		case err != nil && r.Context().Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("write the tail: %w", err)
		}
		ctx, cancel := context.WithTimeout(r.Context(), heartbeat)
		events, err := s.Next(ctx)
		cancel()
		switch {
		case r.Context().Err() != nil || errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, context.DeadlineExceeded):
			_, _ = out.WriteString(":\n\n")
		case err != nil:
			return err
		}
		for i := range events {
			out.event(&events[i])
		}
	}
}

// stream writes events. Its errors are told by flush.
type stream struct {
	*bufio.Writer
	to    *http.ResponseController
	stall time.Duration
}

// allow gives the client time for what is written next.
func (o *stream) allow() { _ = o.to.SetWriteDeadline(time.Now().Add(o.stall)) } // or the server has its own

func (o *stream) event(e *Event) {
	name, data := "record", e.Record
	switch {
	case e.Receipt != nil:
		name, data = "receipt", encoded(e.Receipt)
	case e.Gap != nil:
		name, data = "gap", encoded(e.Gap)
	}
	if o.Available() < len(e.Token)+len(data)+64 {
		o.allow()
	}
	_, _ = o.WriteString("id: ")
	_, _ = o.WriteString(e.Token)
	_, _ = o.WriteString("\nevent: ")
	_, _ = o.WriteString(name)
	// Line breaks can stand between a record's values only; who reads gets them as LF.
	for len(data) > 0 {
		line := data
		if n := lineBreak(data); n >= 0 {
			line, data = data[:n], data[n+1:]
		} else {
			data = nil
		}
		_, _ = o.WriteString("\ndata: ")
		_, _ = o.Write(line)
	}
	_, _ = o.WriteString("\n\n")
}

// lineBreak is where the first one is; negative: there is none, as in what instrument writes.
func lineBreak(data []byte) int {
	lf, cr := bytes.IndexByte(data, '\n'), bytes.IndexByte(data, '\r')
	if lf < 0 || cr >= 0 && cr < lf {
		return cr
	}
	return lf
}

// encoded is the JSON of what can always be encoded.
func encoded(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

func (o *stream) flush() error {
	o.allow()
	if err := o.Flush(); err != nil {
		return err
	}
	return o.to.Flush()
}
