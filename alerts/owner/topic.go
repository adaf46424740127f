package owner

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/IBM/sarama"
)

// maxBatch bounds a batch of the journal, before compression. A step that is larger goes in
// several, and is then not written as a whole.
const (
	maxBatch        = 6 << 20
	maxMessageBytes = 8 << 20
)

// EnsureTopic creates the topic of alerts where it is missing.
func EnsureTopic(client sarama.Client, topic string, partitions int) error {
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return fmt.Errorf("ensure topic %s: %w", topic, err)
	}
	compact, most := "compact", strconv.Itoa(maxMessageBytes)
	err = admin.CreateTopic(topic, &sarama.TopicDetail{
		NumPartitions: int32(partitions), ReplicationFactor: int16(min(3, len(client.Brokers()))),
		ConfigEntries: map[string]*string{"cleanup.policy": &compact, "max.message.bytes": &most},
	}, false)
	if err != nil && !errors.Is(err, sarama.ErrTopicAlreadyExists) {
		return fmt.Errorf("ensure topic %s: %w", topic, err)
	}
	for range 50 { // who has just created a topic may not see it yet
		if found, err := client.Partitions(topic); err == nil && len(found) > 0 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
		_ = client.RefreshMetadata(topic)
	}
	return fmt.Errorf("ensure topic %s: it was created and is not there; is Kafka well?", topic)
}
