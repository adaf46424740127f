package instrument

import (
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/waybill-log/waybill/record"
)

// origins knows the encoded place in the source of each log call seen. A program
// has a bounded number of log calls, so the map is copied when one is new.
type origins struct {
	known atomic.Pointer[map[uintptr][]byte]
	mu    sync.Mutex
}

// maxOrigins bounds the map all the same: code may be generated.
const maxOrigins = 16 << 10

// of returns the log.origin.* fields of a program counter; 0: none.
func (o *origins) of(pc uintptr) []byte {
	if pc == 0 {
		return nil
	}
	if known := o.known.Load(); known != nil {
		if encoded, ok := (*known)[pc]; ok {
			return encoded
		}
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	encoded := record.AppendOrigin(nil, record.Origin{File: frame.File, Line: frame.Line, Function: frame.Function})
	o.mu.Lock()
	defer o.mu.Unlock()
	more := map[uintptr][]byte{}
	if known := o.known.Load(); known != nil && len(*known) < maxOrigins {
		more = maps.Clone(*known)
	}
	more[pc] = encoded
	o.known.Store(&more)
	return encoded
}
