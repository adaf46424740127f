package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/waybill-log/waybill/demo-services/shop"
)

// whereabouts are what a process of demo services says of itself.
type whereabouts struct {
	Services []string          `json:"services"`
	Registry string            `json:"registry"`
	URLs     map[string]string `json:"urls"`
	PID      int               `json:"pid"`
}

// beChild says where the services are, and has the process end when whoever started it does.
func (a *app) beChild(s *stack, services *shop.Shop) error {
	if err := json.NewEncoder(a.stdout).Encode(whereabouts{s.cfg.DemoServices, services.RegistryURL(), services.URLs(), os.Getpid()}); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		s.failed <- nil
	}()
	return nil
}

// startProcesses starts each demo service as a process of its own; flags are what all are told
// that cfg does not say.
func (a *app) startProcesses(ctx context.Context, cfg shop.Config, flags ...string) (_ *shop.Shop, err error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	urls := map[string]string{}
	var children shop.Children
	defer func() {
		if err != nil {
			err = errors.Join(err, children.Close(ctx))
		}
	}()
	for _, name := range shop.Names() {
		args := append([]string{
			"demo", "--child", "--demo-services", name, "--kafka-brokers", strings.Join(cfg.Brokers, ","), "--registry-url", urls["registry"], "--demo-protocol", cfg.Protocol,
		}, flags...)
		if addr := cfg.Addrs[name]; addr != "" {
			args = append(args, "--"+addrFlag(name), addr)
		}
		w, err := a.child(exe, args, &children)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		urls[name] = w.URLs[name]
		fmt.Fprintf(a.stderr, "waybill: %s is process %d\n", name, w.PID)
	}
	return shop.Attach(ctx, cfg, urls, children)
}

// addrFlag is the setting of a demo service's address: its own, or what the others share.
func addrFlag(service string) string {
	own := service + "-addr"
	if slices.ContainsFunc(settings, func(s setting) bool { return s.name == own }) {
		return own
	}
	return "demo-addr"
}

// child starts a process of demo services, and waits until it says where they are.
func (a *app) child(exe string, args []string, children *shop.Children) (w whereabouts, err error) {
	cmd := exec.Command(exe, args...)
	cmd.Env, cmd.Stderr = a.environ, a.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return w, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return w, err
	}
	if err := cmd.Start(); err != nil {
		return w, err
	}
	children.Add(stdin, cmd.Wait)
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &w)
	}
	return w, err
}
