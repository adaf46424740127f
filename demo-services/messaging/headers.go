package messaging

import (
	"context"
	"maps"
	"slices"

	"github.com/IBM/sarama"
)

// Headers of a message beside those of its journey.
const (
	headerID      = "message-id"
	headerType    = "message-type"
	headerReplyTo = "reply-to"      // who waits: "instance request"
	headerReply   = "reply-of"      // the same, of the reply
	headerFailed  = "reply-error"   // of a request that was refused
	headerAttempt = "retry-attempt" // how often it has been tried
	headerDue     = "retry-due"     // Unix time in ms before which it is not tried again
	headerSource  = "retry-source"  // topic that it first came on
	headerReason  = "retry-reason"  // why it was not handled
)

type headersKey struct{}

// WithHeader puts a header on what is sent within ctx, for a table to route by. What handlers
// send in turn does not have it.
func WithHeader(ctx context.Context, name, value string) context.Context {
	headers := maps.Clone(headersIn(ctx))
	if headers == nil {
		headers = map[string]string{}
	}
	headers[name] = value
	return context.WithValue(ctx, headersKey{}, headers)
}

// headersIn are those that WithHeader has put there, which nobody changes.
func headersIn(ctx context.Context) map[string]string {
	headers, _ := ctx.Value(headersKey{}).(map[string]string)
	return headers
}

func headersOf(m *sarama.ConsumerMessage) map[string]string {
	out := make(map[string]string, len(m.Headers))
	for _, h := range m.Headers {
		out[string(h.Key)] = string(h.Value)
	}
	return out
}

// own are the headers that stay with a message wherever it is put: all but its journey's, which
// are written anew, and those that deliverTo writes.
func (b *Bus) own(headers map[string]string) map[string]string {
	journey := b.cfg.Instrument.Propagator().Fields()
	out := maps.Clone(headers)
	maps.DeleteFunc(out, func(name, _ string) bool {
		return name == headerID || name == headerType || slices.Contains(journey, name)
	})
	return out
}
