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
// replication factor of three, or as many brokers as there are. On the records'
// topic the broker's own clock dates messages: services' clocks may be wrong.
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
		{record.TopicInstances, "compact,delete", &records, nil},
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
// records' topic, and tells what somebody else's set-up of the topics costs.
func (c *Collector) checkTopics() error {
	admin, err := sarama.NewClusterAdminFromClient(c.client)
	if err != nil {
		return fmt.Errorf("check topics: %w", err)
	}
	records, err := topicConfig(admin, c.cfg.Topic)
	if err != nil {
		return err
	}
	letters, err := topicConfig(admin, record.TopicDeadLetters)
	if err != nil {
		return err
	}
	if by := records[datedByKey]; by != logAppendTime {
		c.log.Warn("the records' topic is dated by its writers: set its "+datedByKey+" to "+logAppendTime+", or a service's wrong clock is not noticed", "topic", c.cfg.Topic, datedByKey, by)
	}
	largest, err := strconv.Atoi(records[maxBytesKey])
	if err != nil {
		return fmt.Errorf("check topic %s: %s is %q", c.cfg.Topic, maxBytesKey, records[maxBytesKey])
	}
	if room, err := strconv.Atoi(letters[maxBytesKey]); err == nil && room >= largest+deadLetterRoom {
		return nil
	}
	want := strconv.Itoa(largest + deadLetterRoom)
	err = admin.IncrementalAlterConfig(sarama.TopicResource, record.TopicDeadLetters, map[string]sarama.IncrementalAlterConfigsEntry{
		maxBytesKey: {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &want},
	}, false)
	if err != nil {
		c.log.Warn("the dead letters' topic takes less than the largest record, whose letter would be cut: set its "+maxBytesKey, "topic", record.TopicDeadLetters, "want", want, "error", err)
	}
	return nil
}

func topicConfig(admin sarama.ClusterAdmin, topic string) (map[string]string, error) {
	entries, err := admin.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{maxBytesKey, datedByKey}})
	if err != nil {
		return nil, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	out := map[string]string{}
	for _, e := range entries {
		out[e.Name] = e.Value
	}
	return out, nil
}
