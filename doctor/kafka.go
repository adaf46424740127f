package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// wanted is how a topic has to be for what rests on it.
type wanted struct {
	topic    string
	settings map[string]string
	why      string
}

var topics = []wanted{
	{record.TopicRecords, map[string]string{"message.timestamp.type": "LogAppendTime"}, "or a service's wrong clock is not noticed, and how far all is stored is not known"},
	{record.TopicInstances, map[string]string{"message.timestamp.type": "LogAppendTime", "cleanup.policy": "compact"}, "or wrong clocks are not noticed, and ledgers go"},
	{record.TopicJourneys, map[string]string{"cleanup.policy": "compact"}, "or it grows for ever"},
	{record.TopicDeadLetters, nil, ""},
	{record.TopicSelf, nil, ""},
}

// Broker checks Kafka: that it answers, and that the topics are as they have to be.
func Broker(connect func() (sarama.Client, error)) Check {
	return Check{"broker", func(context.Context) (out []Result) {
		kafka, err := connect()
		if err != nil {
			return []Result{{State: Ill, Says: err.Error(), Do: "say where it is with --kafka-brokers, and see --kafka-tls and --kafka-sasl-mechanism"}}
		}
		defer func() {
			if err := kafka.Close(); err != nil {
				out = append(out, Result{State: Worry, Says: err.Error()})
			}
		}()
		out = append(out, Result{State: Well, Says: fmt.Sprintf("%d brokers answer", len(kafka.Brokers()))})
		admin, err := sarama.NewClusterAdminFromClient(kafka)
		if err != nil {
			return append(out, Result{Name: "topics", State: Skipped, Says: err.Error()})
		}
		return append(out, examineTopics(admin)...)
	}}
}

func examineTopics(admin sarama.ClusterAdmin) []Result {
	var names []string
	for _, t := range topics {
		names = append(names, t.topic)
	}
	found, err := admin.DescribeTopics(names)
	if err != nil {
		return []Result{{Name: "topics", State: Skipped, Says: err.Error()}}
	}
	var out []Result
	bad := func(state, says, do string) {
		out = append(out, Result{Name: "topics", State: state, Says: says, Do: do})
	}
	partitions := map[string]int{}
	for _, t := range found {
		switch {
		case errors.Is(t.Err, sarama.ErrUnknownTopicOrPartition):
			bad(Ill, "there is no topic "+t.Name, "start a collector, which makes it, or make it and let Waybill read and write it")
		case t.Err != sarama.ErrNoError:
			bad(Worry, fmt.Sprintf("topic %s: %v", t.Name, t.Err), "see whether this user may describe it")
		default:
			partitions[t.Name] = len(t.Partitions)
			for _, p := range t.Partitions {
				if p.Leader < 0 {
					bad(Ill, fmt.Sprintf("partition %d of %s has no leader", p.ID, t.Name), "nothing can be written to it; see the brokers' logs")
				} else if len(p.Isr) < len(p.Replicas) {
					bad(Worry, fmt.Sprintf("partition %d of %s has %d of %d replicas in sync", p.ID, t.Name, len(p.Isr), len(p.Replicas)), "see the brokers' logs")
				}
			}
		}
	}
	for _, t := range topics {
		if partitions[t.topic] > 0 && len(t.settings) > 0 {
			out = append(out, examineSettings(admin, t)...)
		}
	}
	if a, b := partitions[record.TopicRecords], partitions[record.TopicJourneys]; a > 0 && b > 0 && a != b {
		bad(Worry, fmt.Sprintf("%s has %d partitions and %s %d", record.TopicRecords, a, record.TopicJourneys, b), "give both the same number: rules that watch both need that")
	}
	if len(out) == 0 {
		bad(Well, fmt.Sprintf("all %d are there, with %d partitions of records", len(topics), partitions[record.TopicRecords]), "")
	}
	return out
}

func examineSettings(admin sarama.ClusterAdmin, t wanted) (out []Result) {
	var names []string
	for name := range t.settings {
		names = append(names, name)
	}
	slices.Sort(names)
	described, err := admin.DescribeConfigs([]*sarama.ConfigResource{{Type: sarama.TopicResource, Name: t.topic, ConfigNames: names}}, sarama.DescribeConfigsOptions{})
	if err != nil || len(described) == 0 {
		return []Result{{Name: "topics", State: Skipped, Says: fmt.Sprintf("settings of %s: %v", t.topic, err)}}
	}
	for _, e := range described[0].Configs {
		if want, ok := t.settings[e.Name]; ok && !strings.Contains(e.Value, want) {
			out = append(out, Result{Name: "topics", State: Worry, Says: fmt.Sprintf("%s of %s is %s, %s", e.Name, t.topic, e.Value, t.why), Do: fmt.Sprintf("set it to %s", want)})
		}
	}
	return out
}

// Ledger is an instance's word of itself, and when Kafka had it.
type Ledger struct {
	Service, Node string
	Written       time.Time // by the instance's clock
	Had           time.Time // by Kafka's
}

// Clocks checks the clocks of instances by their ledgers: what is dated later than Kafka had it was dated by a wrong clock.
func Clocks(ledgers func(ctx context.Context) ([]Ledger, error)) Check {
	return Check{"clocks", func(ctx context.Context) []Result {
		all, err := ledgers(ctx)
		if err != nil {
			return []Result{{State: Skipped, Says: err.Error()}}
		}
		ahead := map[string]time.Duration{}
		service := map[string]string{}
		least := map[string]time.Duration{} // how long its ledgers took at least, as the clocks have it
		for _, l := range all {
			took := l.Had.Sub(l.Written)
			service[l.Node] = l.Service
			if known, ok := least[l.Node]; !ok || took < known {
				least[l.Node] = took
			}
			ahead[l.Node] = max(ahead[l.Node], -took)
		}
		var out []Result
		for node := range least {
			switch {
			case ahead[node] > clockWorry:
				out = append(out, Result{State: Worry, Says: fmt.Sprintf("the clock of %s (%s) is at least %s fast", service[node], node, ahead[node].Round(time.Second)), Do: "set it by NTP; journeys are ordered by cause all the same"})
			case least[node] > time.Minute:
				out = append(out, Result{State: Worry, Says: fmt.Sprintf("the clock of %s (%s) is slow, or each of its ledgers took %s at least to reach Kafka", service[node], node, least[node].Round(time.Second)), Do: "set it by NTP, or see why Kafka is slow for it"})
			}
		}
		slices.SortFunc(out, func(a, b Result) int { return strings.Compare(a.Says, b.Says) })
		if len(out) == 0 {
			out = append(out, Result{State: Well, Says: fmt.Sprintf("of %d instances none is known to be off by more than %s", len(least), clockWorry)})
		}
		return out
	}}
}
