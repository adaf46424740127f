package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/instrument"
	"github.com/waybill-log/waybill/journey"
)

// setting is one name in each spelling: --kafka-brokers, WAYBILL_KAFKA_BROKERS
// and, in the YAML file, kafka-brokers. A list is written with commas.
type setting struct {
	name  string
	value any // the default: string, []string, int or bool
	help  string
}

var settings = []setting{
	{"kafka-brokers", []string{}, "addresses of Kafka, host:port (default: the embedded broker)"},
	{"kafka-group", "waybill-collector", "consumer group of the collectors"},
	{"kafka-partitions", 4, "partitions of topics that do not exist yet"},
	{"kafka-addr", "127.0.0.1:7692", "address of the embedded broker"},
	{"kafka-tls", false, "encrypt the way to Kafka, and check the brokers' certificates"},
	{"kafka-ca-file", "", "PEM file of who signed the brokers' certificates (default: the system's)"},
	{"kafka-cert-file", "", "PEM file of this client's certificate for Kafka"},
	{"kafka-key-file", "", "PEM file of its key"},
	{"kafka-user", "", "user of Kafka (SASL)"},
	{"kafka-password", "", "password of Kafka"},
	{"kafka-password-file", "", "file that holds the password of Kafka"},
	{"kafka-sasl-mechanism", "", "PLAIN (default), SCRAM-SHA-256 or SCRAM-SHA-512"},
	{"elasticsearch-urls", []string{}, "URLs of Elasticsearch (default: the embedded store)"},
	{"elasticsearch-user", "", "user of Elasticsearch"},
	{"elasticsearch-password", "", "password of Elasticsearch"},
	{"elasticsearch-password-file", "", "file that holds the password of Elasticsearch"},
	{"elasticsearch-api-key", "", "API key of Elasticsearch in its encoded form, instead of a user"},
	{"elasticsearch-api-key-file", "", "file that holds the API key"},
	{"elasticsearch-ca-file", "", "PEM file of who signed Elasticsearch's certificates (default: the system's)"},
	{"retention", "", "how long records are kept, by whole days, such as 30d (default: for ever)"},
	{"store-bytes", "", "how large the embedded store may grow, such as 20GB: the oldest records go (default: no bound)"},
	{"routes", "", "YAML file that says who picks up the messages of which topic, and how soon (default: none)"},
	{"alerts", "", "YAML file of rules, and of who is told when they fire; read again when it changes (default: the rules on Waybill itself, and nobody)"},
	{"alerts-exec", false, "receivers may be programs, which are run on this machine"},
	{"alerts-addr", "127.0.0.1:7605", "address of the health and metrics of waybill alerts"},
	{"data", "./waybill-data", "folder of the embedded broker, the embedded store and the demo services"},
	{"token", "", "token that the API demands, and that this client sends"},
	{"token-file", "", "file that holds the token"},
	{"tokens-file", "", "YAML file of who may ask the API for what, by hashes of their tokens (default: who has the token)"},
	{"server", "", "URL of a Waybill server (default: http://127.0.0.1:7600)"},
	{"query-addr", "127.0.0.1:7600", "address of the API and the web page"},
	{"collector-addr", "127.0.0.1:7601", "address of the collector's health, metrics and NDJSON intake"},
	{"otlp-http-addr", "127.0.0.1:4318", "address that takes in OpenTelemetry over HTTP (empty: none)"},
	{"otlp-grpc-addr", "127.0.0.1:4317", "address that takes in OpenTelemetry over gRPC (empty: none)"},
	{"gateway-addr", "127.0.0.1:7700", "address of the demo gateway"},
	{"registry-addr", "127.0.0.1:7701", "address of the demo registry"},
	{"bank-addr", "127.0.0.1:7702", "address of the demo bank"},
	{"game-addr", "127.0.0.1:7703", "address of the demo game"},
	{"demo-addr", "", "address of each other demo service: one that others can reach, where it runs alone (default: a free port)"},
	{"demo-services", []string{}, "which demo services run here (default: all)"},
	{"registry-url", "", "URL of the demo registry, where that runs elsewhere"},
	{"public-url", "", "URL at which people reach the Waybill server, for links of the demo (default: that of --server)"},
	{"demo-protocol", "saga", "how bank and game agree: saga or two-phase"},
}

// config holds the settings of all commands.
type config struct {
	KafkaBrokers      []string `koanf:"kafka-brokers"`
	KafkaGroup        string   `koanf:"kafka-group"`
	KafkaPartitions   int      `koanf:"kafka-partitions"`
	KafkaAddr         string   `koanf:"kafka-addr"`
	KafkaTLS          bool     `koanf:"kafka-tls"`
	KafkaCAFile       string   `koanf:"kafka-ca-file"`
	KafkaCertFile     string   `koanf:"kafka-cert-file"`
	KafkaKeyFile      string   `koanf:"kafka-key-file"`
	KafkaUser         string   `koanf:"kafka-user"`
	KafkaPassword     string   `koanf:"kafka-password"`
	KafkaPasswordFile string   `koanf:"kafka-password-file"`
	KafkaMechanism    string   `koanf:"kafka-sasl-mechanism"`
	ElasticsearchURLs []string `koanf:"elasticsearch-urls"`
	ESUser            string   `koanf:"elasticsearch-user"`
	ESPassword        string   `koanf:"elasticsearch-password"`
	ESPasswordFile    string   `koanf:"elasticsearch-password-file"`
	ESAPIKey          string   `koanf:"elasticsearch-api-key"`
	ESAPIKeyFile      string   `koanf:"elasticsearch-api-key-file"`
	ESCAFile          string   `koanf:"elasticsearch-ca-file"`
	Retention         string   `koanf:"retention"`
	StoreBytes        string   `koanf:"store-bytes"`
	Routes            string   `koanf:"routes"`
	Alerts            string   `koanf:"alerts"`
	AlertsExec        bool     `koanf:"alerts-exec"`
	AlertsAddr        string   `koanf:"alerts-addr"`
	Data              string   `koanf:"data"`
	Token             string   `koanf:"token"`
	TokenFile         string   `koanf:"token-file"`
	TokensFile        string   `koanf:"tokens-file"`
	Server            string   `koanf:"server"`
	QueryAddr         string   `koanf:"query-addr"`
	CollectorAddr     string   `koanf:"collector-addr"`
	OTLPHTTPAddr      string   `koanf:"otlp-http-addr"`
	OTLPGRPCAddr      string   `koanf:"otlp-grpc-addr"`
	GatewayAddr       string   `koanf:"gateway-addr"`
	RegistryAddr      string   `koanf:"registry-addr"`
	BankAddr          string   `koanf:"bank-addr"`
	GameAddr          string   `koanf:"game-addr"`
	DemoAddr          string   `koanf:"demo-addr"`
	DemoServices      []string `koanf:"demo-services"`
	RegistryURL       string   `koanf:"registry-url"`
	PublicURL         string   `koanf:"public-url"`
	DemoProtocol      string   `koanf:"demo-protocol"`

	retention  time.Duration   // Retention, read
	storeBytes int64           // StoreBytes, read
	routes     []journey.Route // Routes, read
}

func (c *config) kafkaSecurity() instrument.Security {
	return instrument.Security{
		TLS: c.KafkaTLS, CAFile: c.KafkaCAFile, CertFile: c.KafkaCertFile, KeyFile: c.KafkaKeyFile,
		Mechanism: c.KafkaMechanism, User: c.KafkaUser, Password: c.KafkaPassword, PasswordFile: c.KafkaPasswordFile,
	}
}

const envPrefix = "WAYBILL_"

// envName is a setting's name in the environment.
func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// addSettings gives a command the flags of some settings, and --config.
func addSettings(cmd *cobra.Command, names ...string) {
	for _, s := range settings {
		if !slices.Contains(names, s.name) {
			continue
		}
		help := s.help + " [" + envName(s.name) + "]"
		switch v := s.value.(type) {
		case []string:
			cmd.Flags().StringSlice(s.name, v, help)
		case int:
			cmd.Flags().Int(s.name, v, help)
		case bool:
			cmd.Flags().Bool(s.name, v, help)
		case string:
			cmd.Flags().String(s.name, v, help)
		}
	}
	cmd.Flags().String("config", "", "YAML file of settings [WAYBILL_CONFIG]")
}

// loadConfig reads flags over environment over file over defaults. Unknown keys
// of the file are errors; unknown WAYBILL_ variables, which may be meant for
// something else, are named on warn.
func loadConfig(cmd *cobra.Command, environ []string, warn io.Writer) (config, error) {
	known := map[string]any{}
	for _, s := range settings {
		known[s.name] = s.value
	}
	k := koanf.New("\x00") // names are flat
	if err := k.Load(confmap.Provider(known, ""), nil); err != nil {
		return config{}, err
	}
	path, _ := cmd.Flags().GetString("config")
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, "WAYBILL_CONFIG="); ok && path == "" {
			path = v
		}
	}
	if path != "" {
		if err := loadFile(k, path, known); err != nil {
			return config{}, usage(err)
		}
	}
	provider := env.Provider("\x00", env.Opt{
		Prefix:      envPrefix,
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(key, value string) (string, any) {
			name := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(key, envPrefix), "_", "-"))
			switch def, ok := known[name]; {
			case name == "config":
				return "", nil
			case !ok:
				fmt.Fprintf(warn, "waybill: %s is not a setting%s\n", key, didYouMean(key))
				return "", nil
			default:
				if _, list := def.([]string); list {
					return name, splitList(value)
				}
				return name, value
			}
		},
	})
	if err := k.Load(provider, nil); err != nil {
		return config{}, usage(err)
	}
	if err := k.Load(posflag.Provider(cmd.Flags(), "\x00", k), nil); err != nil {
		return config{}, usage(err)
	}
	var cfg config
	if err := k.Unmarshal("", &cfg); err != nil {
		return config{}, usage(fmt.Errorf("settings: %w", err))
	}
	return cfg, cfg.resolve()
}

func loadFile(k *koanf.Koanf, path string, known map[string]any) error {
	f := koanf.New("\x00")
	if err := f.Load(file.Provider(path), yaml.Parser()); err != nil {
		return fmt.Errorf("settings file %s: %w", path, err)
	}
	for _, name := range slices.Sorted(maps.Keys(f.All())) {
		if _, ok := known[name]; !ok {
			return fmt.Errorf("settings file %s: %q is not a setting%s", path, name, didYouMean(name))
		}
	}
	return k.Merge(f)
}

// resolve reads files of secrets and checks what no single part can.
func (c *config) resolve() (err error) {
	for _, s := range []struct {
		name   string
		secret *string
		file   string
	}{
		{"token", &c.Token, c.TokenFile},
		{"elasticsearch-password", &c.ESPassword, c.ESPasswordFile},
		{"elasticsearch-api-key", &c.ESAPIKey, c.ESAPIKeyFile},
	} {
		if err := readSecret(s.name, s.secret, s.file); err != nil {
			return usage(err)
		}
	}
	if c.retention, err = parseRetention(c.Retention); err != nil {
		return usage(err)
	}
	if c.storeBytes, err = parseBytes(c.StoreBytes); err != nil {
		return usage(fmt.Errorf("store-bytes: %w", err))
	}
	if c.Routes != "" {
		if c.routes, err = evidence.ReadRoutes(c.Routes); err != nil {
			return usage(err)
		}
	}
	if c.ESAPIKey != "" && c.ESUser != "" {
		return usage(errors.New("give --elasticsearch-api-key or --elasticsearch-user, not both"))
	}
	if len(c.KafkaBrokers) == 0 && (c.KafkaTLS || c.KafkaUser != "") {
		return usage(errors.New("kafka-tls and kafka-user are for a real Kafka: the embedded broker has neither; set --kafka-brokers"))
	}
	for _, b := range c.KafkaBrokers {
		if !strings.Contains(b, ":") {
			return usage(fmt.Errorf("Kafka broker %q has no port: want host:port", b))
		}
	}
	for _, u := range c.ElasticsearchURLs {
		if !strings.HasPrefix(u, "http://") && !strings.HasPrefix(u, "https://") {
			return usage(fmt.Errorf("Elasticsearch URL %q: want http://host:port or https://host:port", u))
		}
	}
	if c.KafkaPartitions < 1 {
		return usage(fmt.Errorf("kafka-partitions is %d, want at least 1", c.KafkaPartitions))
	}
	return nil
}

func readSecret(name string, secret *string, file string) error {
	if file == "" {
		return nil
	}
	if *secret != "" {
		return fmt.Errorf("give --%s or --%s-file, not both", name, name)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s file: %w", name, err)
	}
	if *secret = strings.TrimSpace(string(b)); *secret == "" {
		return fmt.Errorf("%s file %s is empty", name, file)
	}
	return nil
}

// parseRetention reads whole days, such as 30d; none is for ever.
func parseRetention(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	days, ok := strings.CutSuffix(text, "d")
	n, err := strconv.Atoi(days)
	if !ok || err != nil || n < 1 || n > 36500 {
		return 0, fmt.Errorf("retention is %q, want whole days, such as 30d", text)
	}
	return time.Duration(n) * 24 * time.Hour, nil
}

// parseBytes reads a number of bytes, such as 20GB; none is 0.
func parseBytes(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n < 1 || n > math.MaxInt64 {
		return 0, fmt.Errorf("%q is no size, want one such as 20GB", text)
	}
	return int64(n), nil
}

// storeDir is the embedded store's folder.
func (c *config) storeDir() string { return filepath.Join(c.Data, "store") }

func splitList(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// didYouMean names the setting that a misspelt one is closest to.
func didYouMean(name string) string {
	plain := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, envPrefix), "_", "-"))
	for _, s := range settings {
		if strings.HasPrefix(s.name, plain) || strings.HasPrefix(plain, s.name) {
			if strings.HasPrefix(name, envPrefix) {
				return "; did you mean " + envName(s.name) + "?"
			}
			return "; did you mean " + s.name + "?"
		}
	}
	return ""
}
