package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/waybill-log/waybill/demo-services/shop"
)

const root = "../.."

func compose(t *testing.T, env ...string) (*types.Project, error) {
	t.Helper()
	opts, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithEnv(env))
	if err != nil {
		t.Fatal(err)
	}
	return opts.LoadProject(t.Context())
}

// What docker-compose.yml says of the binary is what the binary knows.
func TestComposeMatchesTheBinary(t *testing.T) {
	project, err := compose(t, "WAYBILL_TOKEN=secret")
	if err != nil {
		t.Fatal(err)
	}
	want := append([]string{"alerts", "collector", "elasticsearch", "kafka", "query"}, shop.Names()...)
	slices.Sort(want)
	if got := project.ServiceNames(); !slices.Equal(got, want) {
		t.Fatalf("services %v, want %v", got, want)
	}
	stages := dockerStages(t)
	for _, s := range project.Services {
		if s.HealthCheck == nil || len(s.HealthCheck.Test) < 2 || s.HealthCheck.Retries == nil {
			t.Errorf("%s has no health check", s.Name)
		}
		if l := s.Deploy.Resources.Limits; l == nil || l.MemoryBytes == 0 || l.NanoCPUs == 0 {
			t.Errorf("%s has no limits", s.Name)
		}
		for other, d := range s.DependsOn {
			if d.Condition != types.ServiceConditionHealthy || project.Services[other].HealthCheck == nil {
				t.Errorf("%s does not wait until %s is healthy", s.Name, other)
			}
		}
		for _, v := range s.Volumes {
			if _, ok := project.Volumes[v.Source]; v.Type == types.VolumeTypeVolume && !ok {
				t.Errorf("%s uses volume %s, which is not declared", s.Name, v.Source)
			}
		}
		switch {
		case s.Build != nil:
			if !slices.Contains(stages, s.Build.Target) || s.Build.Context != mustAbs(t, root) {
				t.Errorf("%s is built from stage %q of %s", s.Name, s.Build.Target, s.Build.Context)
			}
			checkCommand(t, s, project)
		case !strings.Contains(s.Image, ":") || strings.HasSuffix(s.Image, ":latest"):
			t.Errorf("%s has image %q, want one with a version", s.Name, s.Image)
		}
	}
}

// checkCommand runs a service's command line and environment through the
// binary's own settings.
func checkCommand(t *testing.T, s types.ServiceConfig, project *types.Project) {
	t.Helper()
	var environ []string
	for name, value := range s.Environment {
		environ = append(environ, name+"="+*value)
	}
	cmd, rest, err := newRoot(environ, io.Discard, io.Discard).Find(s.Command)
	if err != nil || cmd.Name() == "waybill" {
		t.Fatalf("%s runs %v: %v", s.Name, s.Command, err)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s runs %v: %v", s.Name, s.Command, err)
	}
	var warn strings.Builder
	cfg, err := loadConfig(cmd, environ, &warn)
	if err != nil || warn.String() != "" {
		t.Errorf("%s: %v %s", s.Name, err, warn.String())
	}
	for name := range s.Environment {
		if flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, envPrefix), "_", "-")); cmd.Flags().Lookup(flag) == nil {
			t.Errorf("%s sets %s, which %s does not use", s.Name, name, cmd.Name())
		}
	}
	checkAddrs(t, s, listens(s.Name, &cfg))
	kafka := *project.Services["kafka"].Environment["KAFKA_ADVERTISED_LISTENERS"]
	for _, b := range cfg.KafkaBrokers {
		if kafka != "PLAINTEXT://"+b {
			t.Errorf("%s uses Kafka at %s, which advertises %s", s.Name, b, kafka)
		}
	}
	for _, u := range cfg.ElasticsearchURLs {
		if u != "http://elasticsearch:9200" {
			t.Errorf("%s uses Elasticsearch at %s", s.Name, u)
		}
	}
	if cfg.Server != "" && cfg.Server != "http://query:7600" {
		t.Errorf("%s asks %s", s.Name, cfg.Server)
	}
	if cmd.Name() == "demo" {
		checkDemo(t, s, &cfg, project)
	}
}

// listens are the addresses of a service, that of its health first.
func listens(name string, cfg *config) []string {
	switch name {
	case "collector":
		return []string{cfg.CollectorAddr, cfg.OTLPHTTPAddr, cfg.OTLPGRPCAddr}
	case "query":
		return []string{cfg.QueryAddr}
	case "alerts":
		return []string{cfg.AlertsAddr}
	}
	return []string{cfg.demoAddrs()[name]}
}

// checkAddrs compares where a service listens with what is published, and with where it is asked for its health.
func checkAddrs(t *testing.T, s types.ServiceConfig, addrs []string) {
	t.Helper()
	for _, addr := range addrs {
		if !strings.HasPrefix(addr, "0.0.0.0:") {
			t.Errorf("%s listens on %q, which no other container reaches", s.Name, addr)
		}
	}
	for _, p := range s.Ports {
		if p.HostIP != "127.0.0.1" || !slices.Contains(addrs, "0.0.0.0:"+strconv.Itoa(int(p.Target))) {
			t.Errorf("%s publishes %s:%s to %d, and listens on %s", s.Name, p.HostIP, p.Published, p.Target, addrs)
		}
	}
	want := len(addrs)
	if slices.Contains(shop.Names(), s.Name) && s.Name != "registry" && s.Name != "gateway" { // others of the same network reach it
		want = 0
	}
	if len(s.Ports) != want {
		t.Errorf("%s publishes %d ports, want %d, and listens on %s", s.Name, len(s.Ports), want, addrs)
	}
	_, port, _ := strings.Cut(addrs[0], ":")
	if test := s.HealthCheck.Test; test[1] != "/waybill" || test[2] != "health" || !strings.HasPrefix(test[3], "http://127.0.0.1:"+port+"/") {
		t.Errorf("%s is asked for its health by %v, and listens on %s", s.Name, test, addrs)
	}
}

// checkDemo checks that a demo service runs alone, and finds the others and the folder they share.
func checkDemo(t *testing.T, s types.ServiceConfig, cfg *config, project *types.Project) {
	t.Helper()
	if !slices.Equal(cfg.DemoServices, []string{s.Name}) {
		t.Errorf("%s runs the demo services %v", s.Name, cfg.DemoServices)
	}
	if len(cfg.KafkaBrokers) == 0 || cfg.Server == "" {
		t.Errorf("%s uses Kafka at %v and asks %q: it would start its own", s.Name, cfg.KafkaBrokers, cfg.Server)
	}
	if ports := project.Services["query"].Ports; len(ports) != 1 || cfg.PublicURL != "http://127.0.0.1:"+ports[0].Published {
		t.Errorf("%s links to %s, and the page is published as %v", s.Name, cfg.PublicURL, ports)
	}
	registry := ""
	if s.Name != "registry" {
		port := *project.Services["registry"].Environment["WAYBILL_REGISTRY_ADDR"]
		registry = "http://registry" + strings.TrimPrefix(port, "0.0.0.0")
	}
	if cfg.RegistryURL != registry {
		t.Errorf("%s looks for the registry at %q, want %q", s.Name, cfg.RegistryURL, registry)
	}
	if len(s.Volumes) != 1 || s.Volumes[0].Source != "demo" || s.Volumes[0].Target != "/data" {
		t.Errorf("%s keeps its data in %v", s.Name, s.Volumes)
	}
}

func TestComposeWantsAToken(t *testing.T) {
	if _, err := compose(t); err == nil || !strings.Contains(err.Error(), "set WAYBILL_TOKEN") {
		t.Errorf("got %v", err)
	}
}

func dockerStages(t *testing.T) (stages []string) {
	t.Helper()
	f, err := os.Open(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 4 && fields[0] == "FROM" {
			stages = append(stages, fields[3])
		}
	}
	return stages
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
