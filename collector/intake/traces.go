package intake

import (
	"container/list"
	"strings"
	"sync"

	"github.com/waybill-log/waybill/record"
)

// traces remembers the correlation IDs of the traces seen last.
type traces struct {
	mu    sync.Mutex
	most  int
	at    map[string]*list.Element // by trace ID
	order *list.List               // of *traceID, used last in front
}

type traceID struct {
	trace, id string
	several   bool // journeys share the trace: it tells none of them
}

func newTraces(most int) *traces {
	return &traces{most: most, at: map[string]*list.Element{}, order: list.New()}
}

// learn takes what a record says of its trace. The strings are copied.
func (t *traces) learn(trace, id string) {
	if trace == "" || id == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if e, ok := t.at[trace]; ok {
		known := e.Value.(*traceID)
		known.several = known.several || !record.SameID(known.id, id)
		t.order.MoveToFront(e)
		return
	}
	trace = strings.Clone(trace)
	t.at[trace] = t.order.PushFront(&traceID{trace: trace, id: strings.Clone(id)})
	if t.order.Len() > t.most {
		oldest := t.order.Remove(t.order.Back()).(*traceID)
		delete(t.at, oldest.trace)
	}
}

// of returns the correlation ID of a trace; empty where none is known, or several are.
func (t *traces) of(trace string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.at[trace]
	if !ok || e.Value.(*traceID).several {
		return ""
	}
	t.order.MoveToFront(e)
	return e.Value.(*traceID).id
}
