package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/protobuf/proto"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/infra/broker"
	"github.com/waybill-log/waybill/instrument"
)

// What is not measured, or is measured as a process of its own, runs as a
// child: this binary in another role.
const (
	roleEnv     = "WAYBILL_BENCH_ROLE"
	argumentEnv = "WAYBILL_BENCH_ARGUMENT"
)

func play(role string) error {
	switch argument := os.Getenv(argumentEnv); role {
	case "broker":
		return playBroker(argument)
	case "otlp receiver":
		return playReceiver()
	case "sink":
		return playSink()
	case "ship with waybill":
		return shipWaybill(argument)
	case "ship with otelslog":
		return shipOtelslog(argument)
	case "keep":
		return playKeep(argument)
	case "tail":
		return playTail(argument)
	case "naive tail":
		return playNaiveTail(argument)
	case "own":
		return playOwner(argument)
	case "alerts":
		return playAlerter(argument)
	case "registry":
		return playRegistry(argument)
	case "backends":
		return playBackends(argument)
	case "edge":
		return playEdge(argument)
	case "catalogue":
		return playCatalogue(argument)
	case "crowd":
		return playCrowd(argument)
	case "intake":
		return playIntake(argument)
	case "ship without end":
		return playShip(argument)
	case "pour into embedded":
		return pourEmbedded(argument)
	case "pour into sqlite":
		return pourSQLite(argument)
	case "pour into nothing":
		return pourNothing()
	default:
		return errors.New("no such role")
	}
}

// child is a running role. It ends when its stdin is closed.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

func inRole(role, argument string) (*exec.Cmd, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleEnv+"="+role, argumentEnv+"="+argument)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

func start(role, argument string) (*child, error) {
	cmd, err := inRole(role, argument)
	if err != nil {
		return nil, err
	}
	return begin(cmd)
}

// begin starts a command whose stdin and stdout are this process's to use.
func begin(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	return c, c.cmd.Start()
}

// line is the next thing a child says.
func (c *child) line() (string, error) {
	text, err := c.out.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.cmd.Args[0], err)
	}
	return strings.TrimSpace(text), nil
}

func (c *child) stop() error {
	c.stdin.Close()
	return c.cmd.Wait()
}

func untilStdinCloses() error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// playBroker takes a folder, the address to listen on and, where clients shall
// come through another one, that.
func playBroker(argument string) error {
	words := append(strings.Fields(argument), "")
	b, err := broker.Open(broker.Config{Dir: words[0], Addr: words[1], Advertise: words[2]})
	if err != nil {
		return err
	}
	client, err := collector.Connect([]string{b.Addr()}, instrument.Security{})
	if err == nil {
		err = errors.Join(collector.EnsureTopics(client, 4), client.Close())
	}
	if err != nil {
		return errors.Join(err, b.Close())
	}
	fmt.Println(b.Addr())
	return errors.Join(untilStdinCloses(), b.Close())
}

// playReceiver takes OTLP logs over HTTP and counts them.
func playReceiver() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var received atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/logs", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var logs collogs.ExportLogsServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &logs)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, resource := range logs.ResourceLogs {
			for _, scope := range resource.ScopeLogs {
				received.Add(int64(len(scope.LogRecords)))
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	})
	mux.HandleFunc("GET /received", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, received.Load()) })
	server := &http.Server{Handler: mux}
	go server.Serve(ln)
	fmt.Println(ln.Addr())
	return errors.Join(untilStdinCloses(), server.Close())
}

// resident is the memory of this process that is in RAM, in bytes, less what
// files are mapped.
func resident() (anonymous, mapped int64, err error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &kib); err == nil {
			anonymous = kib << 10
		}
		if _, err := fmt.Sscanf(line, "RssFile: %d kB", &kib); err == nil {
			mapped += kib << 10
		}
		if _, err := fmt.Sscanf(line, "RssShmem: %d kB", &kib); err == nil {
			mapped += kib << 10
		}
	}
	return anonymous, mapped, nil
}
