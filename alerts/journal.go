package alerts

import "context"

// Journal keeps values by key, durably: what is put before Flush returns is
// there after a crash, for whoever owns the partition next.
type Journal interface {
	Put(key string, value []byte)
	Delete(key string)
	Flush(ctx context.Context) error
}
