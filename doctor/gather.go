package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/waybill-log/waybill/client"
	"github.com/waybill-log/waybill/record"
)

// MaxRecords is how many records are looked at, the newest.
const MaxRecords = 200_000

// Reader searches records; *client.Client does.
type Reader interface {
	Records(ctx context.Context, s client.Search, each func(raw []byte) error) (client.Found, error)
}

// Gather reads what was written since a moment, and narrows it by a query if there is one. Found says whether there is
// more than is looked at, and through when all of it is known.
func Gather(ctx context.Context, from Reader, q string, since time.Time) (spans []Span, found client.Found, err error) {
	var records []record.Record
	found, err = from.Records(ctx, client.Search{Query: client.With(q, client.Since("", since)), Limit: MaxRecords}, func(raw []byte) error {
		r, err := record.Decode(raw)
		if err != nil {
			return fmt.Errorf("read a record: %w", err)
		}
		if r.SpanID != "" {
			r.Raw, r.Message, r.Error.Stack = nil, "", ""
			records = append(records, r)
		}
		return nil
	})
	if err != nil {
		return nil, found, err
	}
	return Spans(func(yield func(record.Record) bool) {
		for _, r := range records {
			if !yield(r) {
				return
			}
		}
	}), found, nil
}
