// Package instrument is what a service imports so that its requests can be
// tracked: correlation in the context, log records and hops shipped to Kafka,
// propagation over HTTP and Kafka, OpenTelemetry tracing.
//
//	in, err := instrument.Start(ctx, instrument.Config{Service: "bank"})
//	defer in.Shutdown(context.Background())                 // waits for Kafka as long as its context does
//	e := echo.New()
//	e.Use(in.Echo())                                        // incoming calls are hops
//	client := &http.Client{Transport: in.Transport(nil)}    // outgoing calls carry the ID
//	in.Send(ctx, producer, message)                         // so do messages
//	h := in.ConsumerGroupHandler("bank", handle)            // and a message handled is a hop
//	slog.InfoContext(ctx, "debited", "amount", 100)         // is all else a service writes
//	instrument.Delivered(ctx)                               // the journey has reached its goal
//
// For Kafka there are also SendAll and [AsyncProducer]; Process for one message,
// ProcessAll for a batch of many journeys, Consume for one partition. [Untrusted]
// is for the edge that strangers call, [Security] for a Kafka that asks who it is.
//
// The types to know are [Config], [Instrument] and [Health]. Every span of the
// OpenTelemetry SDK becomes a pair of hop records, sampled or not; sampling
// decides only what is exported as spans: over OTLP, where the environment names
// a receiver (OTEL_EXPORTER_OTLP_ENDPOINT), beside the records.
//
// Records wait for Kafka in a bounded buffer, in files where [Config] has a data
// folder: then they outlive a killed process. They are numbered when the buffer
// accepts them. When it is full, the lowest level gives way; what has nothing
// below it is refused, goes to stderr and takes no number. [Health] and the loss
// ledger count both.
//
// A log call never waits for Kafka or for a disk, never panics for what is
// logged, and never fails a service: what is too large is cut and marked, what
// panics says so in its record. One thing no logger of Go can help: a map that
// another goroutine changes while it is logged ends the process; log a copy.
// The package never drops a record without saying so, and never shows what
// [Redaction] hides, on the console neither.
//
// Package instrumenttest runs services without a broker, and asserts on the
// journeys that they wrote.
package instrument
