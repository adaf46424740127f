package main

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/infra/testservers"
	"github.com/waybill-log/waybill/instrument"
)

// lines gives the lines of stdout until as many have come.
func (p *process) lines(t *testing.T, n int) (out []string) {
	t.Helper()
	if p.out == nil {
		p.out = bufio.NewReader(p.stdout)
	}
	came := make(chan string)
	go func() {
		defer close(came)
		for range n {
			text, err := p.out.ReadString('\n')
			if err != nil {
				return
			}
			came <- strings.TrimSuffix(text, "\n")
		}
	}()
	for timeout := time.After(90 * time.Second); len(out) < n; {
		select {
		case text, ok := <-came:
			if !ok {
				t.Fatalf("stdout ends after %d lines of %d; stderr:\n%s", len(out), n, p.log())
			}
			out = append(out, text)
		case <-timeout:
			t.Fatalf("%d lines of %d came; stderr:\n%s", len(out), n, p.log())
		}
	}
	return out
}

func recorder(t *testing.T, broker string) *instrument.Instrument {
	t.Helper()
	in, err := instrument.Start(t.Context(), instrument.Config{Service: "writer", Brokers: []string{broker}, Console: slog.DiscardHandler, Scoped: true, Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // its broker may be gone
		defer cancel()
		in.Shutdown(ctx)
	})
	return in
}

// A tail goes on over a restart of the server, and shows each record once; what had come before is
// found, tracked, and read from Kafka without a server.
func TestATailGoesOnOverARestart(t *testing.T) {
	kafka, query := freeAddr(t), freeAddr(t)
	args := []string{"up", "--data", t.TempDir(), "--kafka-addr", kafka, "--query-addr", query, "--collector-addr", "127.0.0.1:0", "--otlp-http-addr", "", "--otlp-grpc-addr", ""}
	up := waybill(t, args...)
	up.says(t, `query is running`)
	server := "http://" + query
	run := testservers.Name(t)
	in := recorder(t, kafka)
	ctx, _ := instrument.WithCorrelationID(context.Background(), run)
	write := func(from, to int) {
		for n := from; n < to; n++ {
			in.Logger().InfoContext(ctx, fmt.Sprintf("step %d.", n), "run", run)
		}
	}
	tail := waybill(t, "tail", "--server", server, "--template", "{{.Message}}", "--since", "1h", "label.run:"+run)
	write(0, 5)
	got := tail.lines(t, 5)

	if code := up.stop(t); code != 0 {
		t.Fatalf("the server stopped with %d", code)
	}
	tail.says(t, `trying again in`)
	write(5, 10)
	up = waybill(t, args...)
	up.says(t, `query is running`)
	write(10, 15)
	got = append(got, tail.lines(t, 10)...)
	var want []string
	for n := range 15 {
		want = append(want, fmt.Sprintf("step %d.", n))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the tail shows %q", got)
	}
	if code := tail.stop(t); code != exitInterrupted || !strings.HasSuffix(tail.log(), "shown 15, skipped 0\n") {
		t.Errorf("it ended with %d: %s", code, tail.log())
	}

	r := once(t, nil, "tail", "--kafka-brokers", kafka, "--since", "1h", "--limit", "15", "--timeout", "60s", "--template", "{{.Message}}", "label.run:"+run)
	if r.code != 0 || r.stdout != strings.Join(want, "\n")+"\n" || r.stderr != "shown 15, skipped 0\n" {
		t.Errorf("from Kafka: %+v", r)
	}
	eventually(t, time.Minute, func() string {
		r = once(t, nil, "search", "--server", server, "--records", "-o", "jsonl", "-n", "0", "label.run:"+run)
		if r.code != 0 || strings.Count(r.stdout, "\n") != 15 {
			return r.stdout + r.stderr
		}
		return ""
	})
	if !regexp.MustCompile(`shown 15; known through 20`).MatchString(r.stderr) {
		t.Errorf("search says %s", r.stderr)
	}
	// The last that are stored, and then what comes, each once.
	tail = waybill(t, "tail", "--server", server, "--template", "{{.Message}}", "-n", "3", "label.run:"+run)
	got = tail.lines(t, 3)
	write(15, 17)
	if got = append(got, tail.lines(t, 2)...); !slices.Equal(got, []string{"step 12.", "step 13.", "step 14.", "step 15.", "step 16."}) {
		t.Errorf("the tail with the last three shows %q", got)
	}
	if r := once(t, nil, "track", "--server", server, "--follow", "--raw", "--timeout", "60s", run); r.code != 0 || strings.Count(r.stdout, "\n") != 17 || !strings.Contains(r.stdout, "step 16.") {
		t.Errorf("track --follow --raw: %+v", r)
	}
}
