// Package doctor finds where a correlation ID dies on its way.
//
//	spans := doctor.Spans(records)
//	for _, f := range doctor.Propagation(spans, until).Findings {
//		fmt.Println(f) // the ID dies between gateway and bank: bank begins POST /orders under an ID of its own (12 of 40 calls)
//	}
//
// [Spans] gathers what records tell of calls, messages and visits. [Propagation] holds each call and message against the
// visit that it led to, and names the hop where the ID was lost, replaced, renamed, written otherwise or cut short.
//
// What ties the two together, the surest first:
//
//	the visit's parent is the call's span      the trace context came through, the ID did not
//	topic, partition and offset are equal      no other message lies there
//	the ID stands in a field of the visit      it came under another name, or whole where the ID was cut short
//	host, path and time agree                  likely; said only where no other pair of services fits
//
// Where a call went nobody knows, and where two callers may have made it, it says that it cannot tell. It is silent
// about what is healthy. [Gather] reads what services wrote, and [Probe] has them write something.
//
// [Examine] runs checks of the stack itself: of its server, its broker and the clocks of its instances. Nothing here
// changes anything, but that a probe is a request like any other.
package doctor
