package collector

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// DefaultPartitions is how many partitions a topic gets that does not exist.
const DefaultPartitions = 4

// maxMessageBytes is Kafka's own default. A dead letter carries a message of
// that size and its reason, so its topic takes more.
const (
	maxMessageBytes    = 1_048_588
	deadLetterRoom     = 64 << 10 // for headers
	maxDeadLetterBytes = maxMessageBytes + deadLetterRoom
)

// EnsureTopics creates the pipeline's topics where they are missing, with a
// replication factor of three, or as many brokers as there are. Records and
// ledgers are dated by the broker's own clock: services' clocks may be wrong.
func EnsureTopics(client sarama.Client, partitions int) error {
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	records, letters, dated := strconv.Itoa(maxMessageBytes), strconv.Itoa(maxDeadLetterBytes), logAppendTime
	for _, t := range []struct {
		name, cleanup  string
		bytes, datedBy *string
	}{
		{record.TopicRecords, "delete", &records, &dated},
		{record.TopicDeadLetters, "delete", &letters, nil},
		{record.TopicInstances, "compact,delete", &records, &dated},
		{record.TopicJourneys, "compact,delete", &records, nil},
		{record.TopicSelf, "delete", &records, nil},
	} {
		entries := map[string]*string{"cleanup.policy": &t.cleanup, maxBytesKey: t.bytes}
		if t.datedBy != nil {
			entries[datedByKey] = t.datedBy
		}
		err := admin.CreateTopic(t.name, &sarama.TopicDetail{
			NumPartitions:     int32(partitions),
			ReplicationFactor: int16(min(3, len(client.Brokers()))),
			ConfigEntries:     entries,
		}, false)
		if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
			return fmt.Errorf("ensure topic %s: %w", t.name, err)
		}
	}
	return nil
}

// Topic settings.
const (
	maxBytesKey   = "max.message.bytes"
	datedByKey    = "message.timestamp.type"
	logAppendTime = "LogAppendTime"
)

// checkTopics gives the dead letters' topic room for the largest message of the
// records' topic, and tells what somebody else's set-up of the topics costs. Who may
// not look goes on.
func (c *Collector) checkTopics() {
	admin, err := sarama.NewClusterAdminFromClient(c.client)
	if err != nil {
		c.log.Warn("topics are not checked", "error", err)
		return
	}
	described, err := admin.DescribeConfigs([]*sarama.ConfigResource{
		{Type: sarama.TopicResource, Name: c.cfg.Topic, ConfigNames: []string{maxBytesKey, datedByKey}},
		{Type: sarama.TopicResource, Name: record.TopicDeadLetters, ConfigNames: []string{maxBytesKey}},
	}, sarama.DescribeConfigsOptions{})
	if err != nil {
		c.log.Warn("topics are not checked", "error", err)
		return
	}
	settings := map[string]map[string]string{c.cfg.Topic: {}, record.TopicDeadLetters: {}}
	for _, topic := range described {
		for _, e := range topic.Configs {
			settings[topic.Name][e.Name] = e.Value
		}
	}
	if by := settings[c.cfg.Topic][datedByKey]; by != logAppendTime {
		c.log.Warn("the records' topic is dated by its writers: set its "+datedByKey+" to "+logAppendTime+", or a service's wrong clock is not noticed", "topic", c.cfg.Topic, datedByKey, by)
	}
	largest, err := strconv.Atoi(settings[c.cfg.Topic][maxBytesKey])
	if err != nil {
		largest = maxMessageBytes
	}
	if room, err := strconv.Atoi(settings[record.TopicDeadLetters][maxBytesKey]); err == nil && room >= largest+deadLetterRoom {
		return
	}
	want := strconv.Itoa(largest + deadLetterRoom)
	err = admin.IncrementalAlterConfig(sarama.TopicResource, record.TopicDeadLetters, map[string]sarama.IncrementalAlterConfigsEntry{
		maxBytesKey: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &want},
	}, false)
	if err != nil {
		c.log.Warn("the dead letters' topic takes less than the largest record, whose letter would be cut: set its "+maxBytesKey, "topic", record.TopicDeadLetters, "want", want, "error", err)
	}
}
