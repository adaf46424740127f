// Package instrument is what a service imports so that its requests can be
// tracked: correlation in the context, log records and hops shipped to Kafka,
// propagation over HTTP and Kafka, OpenTelemetry tracing.
//
//	in, err := instrument.Start(ctx, instrument.Config{Service: "bank"})
//	defer in.Shutdown(context.Background())
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
// The types to know are [Config] and [Instrument]. Every span of the
// OpenTelemetry SDK becomes a pair of hop records, sampled or not; sampling
// decides only what is exported as spans: over OTLP, where the environment names
// a receiver (OTEL_EXPORTER_OTLP_ENDPOINT), beside the records.
//
// A log call never waits for Kafka: records wait in a bounded buffer and are
// numbered when the buffer accepts them. A refused record goes to stderr, is
// counted in [Health] and in the loss ledger, and takes no number.
//
// Package instrumenttest runs services without a broker, and asserts on the
// journeys that they wrote.
package instrument
