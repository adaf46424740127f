package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The demo plays a scenario, and the doctor is asked about what it did.
func TestTheDoctorNamesTheHopWhereAnIDDies(t *testing.T) {
	demo := func(t *testing.T, scenario ...string) (server, gateway string) {
		gateway = freeAddr(t)
		p := waybill(t, append(append(append([]string{"demo", "-o", "json"}, scenario...), loopback(t, demoServices...)...), "--gateway-addr", gateway)...)
		var look firstLook
		if err := json.Unmarshal([]byte(p.firstLine(t)), &look); err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(look.URL)
		if err != nil {
			t.Fatal(err)
		}
		return "http://" + u.Host, "http://" + gateway
	}
	doctor := func(t *testing.T, args ...string) (code int, said, log string) {
		p := waybill(t, append([]string{"doctor", "propagation"}, args...)...)
		out, err := io.ReadAll(p.stdout)
		if err != nil {
			t.Fatal(err)
		}
		code = p.wait(t)
		return code, string(out), p.log()
	}

	t.Run("healthy traffic", func(t *testing.T) {
		server, gateway := demo(t)
		looked := regexp.MustCompile(`looked at \d{2}`) // what was sent a moment ago is not judged yet
		eventually(t, time.Minute, func() string {
			code, said, log := doctor(t, "--server", server)
			if code != exitOK || said != "" {
				t.Fatalf("exit code %d:\n%s", code, said)
			}
			if !looked.MatchString(log) {
				return log
			}
			return ""
		})
		if code, said, _ := doctor(t, "--server", server, gateway+"/v2/home"); code != exitOK || said != "" {
			t.Errorf("a probe: exit code %d:\n%s", code, said)
		}

		// An application whose fault nobody has written a check for: a proxy that lets no header through.
		target, err := url.Parse(gateway)
		if err != nil {
			t.Fatal(err)
		}
		proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header = http.Header{"User-Agent": {"proxy"}}
		}})
		defer proxy.Close()
		code, said, _ := doctor(t, "--server", server, proxy.URL+"/v2/home")
		if code != exitFailed || !strings.Contains(said, "the ID dies between this probe and gateway") {
			t.Errorf("through a proxy: exit code %d:\n%s", code, said)
		}
	})
	t.Run("the gateway loses headers", func(t *testing.T) {
		server, _ := demo(t, "--scenario", "lost-header")
		eventually(t, time.Minute, func() string {
			code, said, _ := doctor(t, "--server", server)
			if code != exitFailed || !strings.Contains(said, "the ID dies between gateway and bank: bank begins POST /orders under an ID of its own") {
				return said
			}
			return ""
		})
	})
}

// What is wrong is said with what to do about it; what is well is said too.
func TestTheDoctorExaminesTheStack(t *testing.T) {
	up := waybill(t, append([]string{"up"}, loopback(t)...)...)
	server := up.says(t, `query is running.* url=(\S+)`)
	broker := up.says(t, `collector is running.* brokers=\[(\S+)\]`)
	examine := func(args ...string) (code int, states map[string]string) {
		p := waybill(t, append([]string{"doctor", "-o", "jsonl"}, args...)...)
		out, err := io.ReadAll(p.stdout)
		if err != nil {
			t.Fatal(err)
		}
		states = map[string]string{}
		for line := range bytes.Lines(out) {
			var r struct{ Name, State, Says string }
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			states[r.Name] += r.State + ": " + r.Says + "\n"
		}
		return p.wait(t), states
	}
	code, states := examine("--server", server, "--kafka-brokers", broker)
	if code != exitOK {
		t.Errorf("exit code %d: %v", code, states)
	}
	for _, name := range []string{"settings", "server", "loss", "broker", "topics", "clocks"} {
		if !strings.HasPrefix(states[name], "well: ") {
			t.Errorf("%s is %s", name, states[name])
		}
	}
	if !strings.HasPrefix(states["routes"], "worry: ") {
		t.Errorf("routes are %s", states["routes"])
	}
	if code, states = examine("--server", "http://127.0.0.1:1", "--kafka-brokers", "127.0.0.1:1"); code != exitFailed || !strings.HasPrefix(states["server"], "ill: ") || !strings.HasPrefix(states["broker"], "ill: ") {
		t.Errorf("of nothing that runs: exit code %d, %v", code, states)
	}
}
