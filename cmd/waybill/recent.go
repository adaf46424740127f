package main

import (
	"context"
	"hash/maphash"

	"github.com/waybill-log/waybill/client"
)

// recent is the last records before a tail.
type recent struct {
	hashes map[uint64]bool // nil: none
	seed   maphash.Seed
}

// read gives the last n records that are stored, oldest first. The query that it returns is for the
// tail, which goes on from when all that was shipped is stored; what comes twice then, had tells.
func (r *recent) read(ctx context.Context, c *client.Client, q string, n int, each func(raw []byte) error) (string, error) {
	if n == 0 {
		return q, nil
	}
	var records [][]byte
	found, err := c.Records(ctx, client.Search{Query: q, Limit: n}, func(raw []byte) error {
		records = append(records, raw)
		return nil
	})
	if err != nil {
		return q, err
	}
	r.seed, r.hashes = maphash.MakeSeed(), map[uint64]bool{}
	for i := len(records) - 1; i >= 0; i-- {
		r.hashes[maphash.Bytes(r.seed, records[i])] = true
		if err := each(records[i]); err != nil {
			return q, err
		}
	}
	if found.AsOf != nil {
		q = client.Since(q, *found.AsOf)
	}
	return q, nil
}

func (r *recent) had(raw []byte) bool { return r.hashes != nil && r.hashes[maphash.Bytes(r.seed, raw)] }
