package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/record"
)

// maxLedgers is how many ledgers are read of a partition, the newest.
const maxLedgers = 20_000

// Ledgers reads what instances have said of themselves.
func Ledgers(ctx context.Context, kafka sarama.Client) (out []Ledger, err error) {
	partitions, err := kafka.Partitions(record.TopicInstances)
	if err != nil {
		return nil, fmt.Errorf("read ledgers: %w", err)
	}
	consumer, err := sarama.NewConsumerFromClient(kafka)
	if err != nil {
		return nil, fmt.Errorf("read ledgers: %w", err)
	}
	for _, p := range partitions {
		oldest, err := kafka.GetOffset(record.TopicInstances, p, sarama.OffsetOldest)
		if err != nil {
			return nil, fmt.Errorf("read ledgers: %w", err)
		}
		end, err := kafka.GetOffset(record.TopicInstances, p, sarama.OffsetNewest)
		if err != nil {
			return nil, fmt.Errorf("read ledgers: %w", err)
		}
		from := max(oldest, end-maxLedgers)
		if from >= end {
			continue
		}
		some, err := readLedgers(ctx, consumer, p, from, end)
		if err != nil {
			return nil, fmt.Errorf("read ledgers: %w", err)
		}
		out = append(out, some...)
	}
	return out, nil
}

// quiet is how long nothing may come before what is left has been compacted away.
const quiet = 3 * time.Second

func readLedgers(ctx context.Context, consumer sarama.Consumer, partition int32, from, end int64) (out []Ledger, err error) {
	claim, err := consumer.ConsumePartition(record.TopicInstances, partition, from)
	if err != nil {
		return nil, err
	}
	defer claim.AsyncClose()
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(quiet):
			return out, nil
		case m, ok := <-claim.Messages():
			if !ok {
				return out, nil
			}
			if ledger, err := record.DecodeLedger(m.Value); err == nil {
				out = append(out, Ledger{ledger.Service, ledger.Node, ledger.Time, m.Timestamp})
			}
			if m.Offset >= end-1 {
				return out, nil
			}
		}
	}
}
