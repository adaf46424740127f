package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/IBM/sarama"
	"github.com/spf13/cobra"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/terminal"
)

// deadLetters reads and replays what no store could take.
func (a *app) deadLetters() *cobra.Command {
	cmd := &cobra.Command{
		Use: "deadletters", Short: "List, show and replay messages that could not be stored",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage(fmt.Errorf("deadletters %s: want list, show or replay", args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.listLetters(), a.showLetter(), a.replayLetters())
	return cmd
}

// letterJSON is a dead letter as programs read it.
type letterJSON struct {
	ID        string `json:"id"`
	Time      string `json:"time"`
	Reason    string `json:"reason"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Until     int64  `json:"until,omitempty"`
	Cut       int    `json:"cut,omitempty"`
	Key       string `json:"key,omitempty"`
	Bytes     int    `json:"bytes"`
	Value     []byte `json:"value,omitempty"` // base64
}

func toJSON(l collector.Letter) letterJSON {
	return letterJSON{
		ID: l.ID(), Time: l.Time.UTC().Format(time.RFC3339Nano), Reason: l.Reason, Topic: l.Topic, Partition: l.SourcePartition, Offset: l.SourceOffset,
		Until: l.Until, Cut: l.Cut, Key: string(l.Key), Bytes: len(l.Value),
	}
}

func (a *app) listLetters() *cobra.Command {
	var limit int
	var reason, output string
	cmd := &cobra.Command{
		Use: "list", Short: "List dead letters, the newest last", Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "jsonl" {
				return usage(fmt.Errorf("-o %s: want text or jsonl", output))
			}
			return a.withKafka(cmd, func(client sarama.Client) error {
				letters, err := collector.Letters(cmd.Context(), client, limit)
				if err != nil {
					return err
				}
				letters = withReason(letters, reason)
				if output == "jsonl" {
					out := json.NewEncoder(a.stdout)
					for _, l := range letters {
						if err := out.Encode(toJSON(l)); err != nil {
							return err
						}
					}
					return nil
				}
				table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "ID\tWRITTEN\tFROM\tBYTES\tREASON")
				for _, l := range letters {
					fmt.Fprintf(table, "%s\t%s\t%s/%d/%d\t%d\t%s\n", l.ID(), l.Time.UTC().Format("2006-01-02 15:04:05"), terminal.Clean(l.Topic), l.SourcePartition, l.SourceOffset, len(l.Value), terminal.Clean(l.Reason))
				}
				return table.Flush()
			})
		},
	}
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "most letters to list, the newest; 0: all")
	cmd.Flags().StringVar(&reason, "reason", "", "only those whose reason has this text")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text or jsonl")
	addSettings(cmd, kafkaClientSettings...)
	return cmd
}

func (a *app) showLetter() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one dead letter whole", Example: "  waybill deadletters show 2/17",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("show wants one dead letter, as list names it, such as 2/17"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if output != "text" && output != "json" && output != "raw" {
				return usage(fmt.Errorf("-o %s: want text, json or raw", output))
			}
			partition, offset, err := collector.ParseLetterID(args[0])
			if err != nil {
				return usage(err)
			}
			return a.withKafka(cmd, func(client sarama.Client) error {
				l, err := collector.FindLetter(cmd.Context(), client, partition, offset)
				if errors.Is(err, collector.ErrNoLetter) {
					return coded{err, exitNotFound}
				}
				if err != nil {
					return err
				}
				switch output {
				case "raw":
					_, err = a.stdout.Write(l.Value)
				case "json":
					whole := toJSON(l)
					whole.Value = l.Value
					out := json.NewEncoder(a.stdout)
					out.SetIndent("", "  ")
					err = out.Encode(whole)
				default:
					_, err = fmt.Fprint(a.stdout, letterText(l))
				}
				return err
			})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "text, json (the value in base64) or raw (the value's bytes alone)")
	addSettings(cmd, kafkaClientSettings...)
	return cmd
}

func letterText(l collector.Letter) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name, terminal.Clean(fmt.Sprintf(format, args...)))
	}
	line("letter", "%s, written %s", l.ID(), l.Time.UTC().Format(time.RFC3339))
	line("reason", "%s", l.Reason)
	line("from", "%s partition %d offset %d", l.Topic, l.SourcePartition, l.SourceOffset)
	if l.Until > 0 {
		line("dropped", "%d messages, up to offset %d", l.Until-l.SourceOffset, l.Until-1)
		return b.String()
	}
	line("key", "%s", l.Key)
	for _, h := range l.Headers {
		line("header", "%s: %s", h.Key, h.Value)
	}
	if l.Cut > 0 {
		line("cut", "%d of %d bytes are here", len(l.Value), l.Cut)
	}
	if utf8.Valid(l.Value) {
		line("value", "%s", l.Value)
	} else {
		line("value", "%q", l.Value)
	}
	return b.String()
}

func (a *app) replayLetters() *cobra.Command {
	var all bool
	var reason string
	cmd := &cobra.Command{
		Use: "replay ID… | --all", Short: "Send dead letters again to the topic they lay on",
		Long: "Send dead letters again to the topic they lay on. A record that is stored by then is not stored twice, so a replay can be repeated. The letters stay where they are.",
		Args: func(_ *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usage(errors.New("replay wants dead letters, as list names them, or --all, with or without --reason"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withKafka(cmd, func(client sarama.Client) (err error) {
				letters, err := a.chosen(cmd, client, args)
				if err != nil {
					return err
				}
				if all {
					letters = withReason(letters, reason)
				}
				producer, err := sarama.NewSyncProducerFromClient(client)
				if err != nil {
					return fmt.Errorf("replay: %w", err)
				}
				defer func() { err = errors.Join(err, producer.Close()) }()
				replayed, failed := 0, []error{}
				for _, l := range letters {
					if err := collector.Replay(producer, l); err != nil {
						failed = append(failed, err)
						continue
					}
					replayed++
				}
				fmt.Fprintf(a.stdout, "replayed %d of %d\n", replayed, len(letters))
				return errors.Join(failed...)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all there are")
	cmd.Flags().StringVar(&reason, "reason", "", "with --all: only those whose reason has this text")
	addSettings(cmd, kafkaClientSettings...)
	return cmd
}

// chosen reads the letters named, or all.
func (a *app) chosen(cmd *cobra.Command, client sarama.Client, ids []string) (out []collector.Letter, err error) {
	if len(ids) == 0 {
		return collector.Letters(cmd.Context(), client, 0)
	}
	for _, id := range ids {
		partition, offset, err := collector.ParseLetterID(id)
		if err != nil {
			return nil, usage(err)
		}
		l, err := collector.FindLetter(cmd.Context(), client, partition, offset)
		if errors.Is(err, collector.ErrNoLetter) {
			return nil, coded{err, exitNotFound}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

func withReason(letters []collector.Letter, text string) []collector.Letter {
	return slices.DeleteFunc(letters, func(l collector.Letter) bool { return !strings.Contains(l.Reason, text) })
}

// withKafka connects to the brokers that are set, or to the embedded one of a
// process that runs.
func (a *app) withKafka(cmd *cobra.Command, do func(sarama.Client) error) (err error) {
	cfg, err := loadConfig(cmd, a.environ, a.stderr)
	if err != nil {
		return err
	}
	brokers := cfg.KafkaBrokers
	if len(brokers) == 0 {
		brokers = []string{cfg.KafkaAddr}
	}
	client, err := collector.Connect(brokers, cfg.kafkaSecurity())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return do(client)
}
