// Package evidence gathers what a verdict may rest on besides the records.
//
//	h, err := evidence.NewHorizon(client, "waybill-collector", record.TopicRecords)
//	asOf, err := h.AsOf() // the store holds everything shipped before
//
// It reads Kafka and never judges: journey.Build does.
package evidence

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// Horizon knows through which time a consumer group has stored a topic.
// Safe for concurrent use.
type Horizon struct {
	client sarama.Client
	admin  sarama.ClusterAdmin
	group  string
	topic  string

	mu      sync.Mutex
	asked   time.Time
	through map[int32]time.Time // by partition; empty while there is no topic
	ends    map[int32]int64     // by partition, as Kafka said when it was asked
	stored  []moment            // earliest first
}

// moment is through which offset each partition was stored at a time.
type moment struct {
	at      time.Time
	offsets map[int32]int64
}

// Of moments, those are kept that serve a lag of up to longestLag, and at most maxMoments.
const (
	longestLag = 30 * time.Second
	maxMoments = 256
)

// freshness is how long one answer of Kafka serves.
const freshness = 200 * time.Millisecond

// NewHorizon reads over client, which stays the caller's.
func NewHorizon(client sarama.Client, group, topic string) (*Horizon, error) {
	admin, err := sarama.NewClusterAdminFromClient(client)
	if err != nil {
		return nil, fmt.Errorf("open horizon: %w", err)
	}
	return &Horizon{client: client, admin: admin, group: group, topic: topic, through: map[int32]time.Time{}}, nil
}

// AsOf is the latest time through which every partition is stored; zero while
// that is not known. A partition read to its end, as the broker gave it at time
// T, is stored through T, so an idle one holds nothing back and one with lag does.
func (h *Horizon) AsOf() (time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.refresh(); err != nil {
		return time.Time{}, err
	}
	var horizon time.Time
	for _, through := range h.through {
		if through.IsZero() {
			return time.Time{}, nil
		}
		if horizon.IsZero() || through.Before(horizon) {
			horizon = through
		}
	}
	return horizon, nil
}

// Visible is through which offset each partition was stored at least lag ago, by what
// Kafka has said: a store with that lag shows all below. A partition that is not in it
// may show nothing. Whoever asks seldom is told of older moments; the map is not to be changed.
func (h *Horizon) Visible(lag time.Duration) (map[int32]int64, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.refresh(); err != nil {
		return nil, err
	}
	return visible(h.stored, time.Now().Add(-lag)), nil
}

// visible is the latest of some moments that was not after a time.
func visible(stored []moment, at time.Time) map[int32]int64 {
	for _, m := range slices.Backward(stored) {
		if !m.at.After(at) {
			return m.offsets
		}
	}
	return nil
}

// note adds a moment, and forgets those that no lag needs any more.
func note(stored []moment, m moment) []moment {
	stored = append(stored, m)
	for len(stored) > maxMoments || len(stored) > 1 && m.at.Sub(stored[1].at) > longestLag {
		stored = stored[1:]
	}
	return stored
}

func (h *Horizon) refresh() error {
	if time.Since(h.asked) < freshness {
		return nil
	}
	if err := h.ask(); err != nil {
		return fmt.Errorf("ask Kafka for the horizon: %w", err)
	}
	return nil
}

func (h *Horizon) ask() error {
	now := time.Now()
	partitions, err := h.client.Partitions(h.topic)
	if errors.Is(err, sarama.ErrUnknownTopicOrPartition) {
		return nil // no collector has run yet
	}
	if err != nil {
		return err
	}
	ends := map[int32]int64{}
	for _, p := range partitions {
		if ends[p], err = h.client.GetOffset(h.topic, p, sarama.OffsetNewest); err != nil {
			return err
		}
	}
	committed, err := h.admin.ListConsumerGroupOffsets(h.group, map[string][]int32{h.topic: partitions})
	if errors.Is(err, sarama.ErrGroupIDNotFound) {
		committed, err = &sarama.OffsetFetchResponse{}, nil // the embedded broker's answer for a group without commits
	}
	if err != nil {
		return err
	}
	offsets := map[int32]int64{}
	for _, p := range partitions {
		offset := int64(0)
		if b := committed.GetBlock(h.topic, p); b != nil {
			offset = max(offset, Stored(b)) // -1: the group has committed nothing
		}
		through := h.through[p] // zero if it was never seen at its end
		if offset >= ends[p] {
			through = now
		}
		h.through[p], offsets[p] = through, offset
	}
	h.asked, h.ends = now, ends
	h.stored = note(h.stored, moment{at: time.Now(), offsets: offsets}) // dated after the answer, since then it was so
	return nil
}

// storedPrefix begins what a collector commits beside an offset.
const storedPrefix = "stored="

// StoredMark is what a collector commits beside an offset, to say through which one
// records are stored: the offset itself may be of what follows from them.
func StoredMark(offset int64) string { return storedPrefix + strconv.FormatInt(offset, 10) }

// Stored is the offset through which a partition's records are stored; -1: nothing was committed.
func Stored(b *sarama.OffsetFetchResponseBlock) int64 {
	if text, ok := strings.CutPrefix(b.Metadata, storedPrefix); ok && b.Offset >= 0 {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return max(n, b.Offset)
		}
	}
	return b.Offset
}
