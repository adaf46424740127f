package instrument

import (
	"context"

	"github.com/IBM/sarama"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// Received is a message of a batch, and the context of its journey.
type Received struct {
	Context context.Context
	Message *sarama.ConsumerMessage
}

// ProcessAll handles messages together, each as a hop of its own journey. The
// hops end when handle returns; its error is on record in each, and returned.
// What handle does with ctx belongs to none of them: to log or call within a
// journey, use its Received.Context, and Links where a result has several causes.
func (in *Instrument) ProcessAll(ctx context.Context, messages []*sarama.ConsumerMessage, group string, handle func(context.Context, []Received) error) error {
	batch := make([]Received, len(messages))
	spans := make([]trace.Span, len(messages))
	returned := false
	for i, m := range messages {
		var inside context.Context
		inside, spans[i] = in.processing(ctx, m, group, 1)
		batch[i] = Received{inside, m}
		defer spans[i].End() // directly, as in Process
		defer failUnless(&returned, spans[i])
	}
	err := handle(ctx, batch)
	returned = true
	if err != nil {
		for _, span := range spans {
			fail(span, err)
		}
	}
	return err
}

// Links are causes of a span that has several:
//
//	ctx, span := tracer.Start(ctx, "invoice", trace.WithLinks(in.Links(orders...)...))
//
// A context without a span is left out.
func (in *Instrument) Links(ctxs ...context.Context) []trace.Link {
	links := make([]trace.Link, 0, len(ctxs))
	for _, ctx := range ctxs {
		sc := trace.SpanContextFromContext(ctx)
		if !sc.IsValid() {
			continue
		}
		link := trace.Link{SpanContext: sc}
		if id, _ := in.hops.at(ctx); id != "" {
			link.Attributes = []attribute.KeyValue{attribute.String(baggageMember, id)}
		}
		links = append(links, link)
	}
	return links
}
