package embedded

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/klauspost/compress/zstd"
)

// warmFiles bounds the sealed files that are ready to be read: each has a connection,
// half a megabyte, and a decoder. Another one takes 0.1 ms to get there.
const warmFiles = 16

// access is what sealed files are read with.
type access struct {
	plain *zstd.Decoder // of all parts but blocks

	mu   sync.Mutex
	warm *simplelru.LRU[*sealed, struct{}]
}

func newAccess() (*access, error) {
	plain, err := zstd.NewReader(nil, decoding...)
	if err != nil {
		return nil, err
	}
	warm, err := simplelru.NewLRU(warmFiles, func(s *sealed, _ struct{}) { s.cool() })
	return &access{plain: plain, warm: warm}, err
}

var decoding = []zstd.DOption{zstd.WithDecoderConcurrency(0), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(64 << 20)}

// use makes a file warm.
func (a *access) use(s *sealed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.warm.Get(s); !ok {
		s.db.SetMaxIdleConns(1)
		a.warm.Add(s, struct{}{})
	}
}

func (a *access) forget(s *sealed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.warm.Remove(s)
}
