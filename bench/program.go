package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// build compiles a program as it is shipped. A folder with a go.mod is a module
// of its own.
func build(out, folder, pkg string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, pkg)
	cmd.Dir, cmd.Stderr, cmd.Env = folder, os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build %s in %s: %w", pkg, folder, err)
	}
	return nil
}

// program is a collector that runs: ours, or the peer.
type program struct {
	cmd   *exec.Cmd
	log   string
	ended chan error
}

func run(dir, path string, args ...string) (*program, error) {
	p := &program{cmd: exec.Command(path, args...), log: filepath.Join(dir, filepath.Base(path)+".log"), ended: make(chan error, 1)}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "WAYBILL_") {
			p.cmd.Env = append(p.cmd.Env, kv)
		}
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p, nil
}

// runStack runs waybill up with all that it embeds, and says where its API and its Kafka are.
func runStack(dir, path string) (p *program, server, kafka string, err error) {
	p, err = run(dir, path, "up", "--data", filepath.Join(dir, "up"), "--kafka-addr", "127.0.0.1:0", "--query-addr", "127.0.0.1:0",
		"--collector-addr", "127.0.0.1:0", "--otlp-http-addr", "", "--otlp-grpc-addr", "")
	if err != nil {
		return nil, "", "", err
	}
	defer func() {
		if err != nil {
			_, stopped := p.stop()
			err = errors.Join(err, stopped)
		}
	}()
	if server, err = p.says(`query is running.* url=(\S+)`); err != nil {
		return nil, "", "", err
	}
	kafka, err = p.says(`collector is running.* brokers=\[(\S+)\]`)
	return p, server, kafka, err
}

// alive returns an error once it has ended by itself.
func (p *program) alive() error {
	select {
	case err := <-p.ended:
		p.ended <- err
		return p.failed(errors.Join(errors.New("ended by itself"), err))
	default:
		return nil
	}
}

// peak is the most memory it has had, in bytes.
func (p *program) peak() (int64, error) {
	_, peak, err := processMemory(p.cmd.Process.Pid)
	return peak, err
}

// stop ends it in order, and says what it has used in its whole life.
func (p *program) stop() (time.Duration, error) {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, p.failed(err)
	}
	if err := <-p.ended; err != nil {
		return 0, p.failed(err)
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime(), nil
}

// failed adds the end of what it has said.
func (p *program) failed(err error) error {
	log, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s: %w: %s", p.cmd.Path, err, log[max(0, len(log)-2000):])
}

// processCPU is what another process has used.
func processCPU(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// the name in parentheses may hold spaces; utime and stime are fields 14 and 15 (proc(5)), in ticks of 10 ms
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, errors.Join(err1, err2)
}

// processMemory is what another process has in RAM, mapped files included, and
// the most it has had, in bytes.
func processMemory(pid int) (now, peak int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			now = kib << 10
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			peak = kib << 10
		}
	}
	if now == 0 || peak == 0 {
		return 0, 0, errors.New("no VmRSS and VmHWM")
	}
	return now, peak, nil
}
