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
	maxDeadLetterBytes = maxMessageBytes + 64<<10
)

// EnsureTopics creates the pipeline's topics where they are missing, with a
// replication factor of three, or as many brokers as there are.
func EnsureTopics(client sarama.Client, partitions int) error {
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	for _, t := range []struct{ name, cleanup, maxBytes string }{
		{record.TopicRecords, "delete", strconv.Itoa(maxMessageBytes)},
		{record.TopicDeadLetters, "delete", strconv.Itoa(maxDeadLetterBytes)},
		{record.TopicInstances, "compact,delete", strconv.Itoa(maxMessageBytes)},
		{record.TopicSelf, "delete", strconv.Itoa(maxMessageBytes)},
	} {
		err := admin.CreateTopic(t.name, &sarama.TopicDetail{
			NumPartitions:     int32(partitions),
			ReplicationFactor: int16(min(3, len(client.Brokers()))),
			ConfigEntries:     map[string]*string{"cleanup.policy": &t.cleanup, "max.message.bytes": &t.maxBytes},
		}, false)
		if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
			return fmt.Errorf("ensure topic %s: %w", t.name, err)
		}
	}
	return nil
}
