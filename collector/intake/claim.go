package intake

import (
	"fmt"

	"go.opentelemetry.io/otel/baggage"

	"github.com/waybill-log/waybill/record"
)

// claim is what a record says its correlation ID is, by precedence.
type claim [4]string

// Precedence of what may be a correlation ID.
const (
	byAttribute = iota
	byResource
	byBaggage
	byConversation
)

const attrCorrelationID = "correlation.id"

// note takes an attribute that may tell the correlation ID.
func (c *claim) note(key, value string, resource bool) {
	switch key {
	case attrCorrelationID:
		if resource {
			c[byResource] = value
		} else {
			c[byAttribute] = value
		}
	case "baggage." + attrCorrelationID:
		c[byBaggage] = value
	case "baggage": // https://www.w3.org/TR/baggage/
		if b, err := baggage.Parse(value); err == nil {
			if member := b.Member(attrCorrelationID).Value(); member != "" {
				c[byBaggage] = member
			}
		}
	case "messaging.message.conversation_id":
		c[byConversation] = value
	}
}

// id is the first valid one; refused says why one before it was not taken.
func (c *claim) id() (id, refused string) {
	for _, id := range c {
		switch {
		case record.ValidID(id):
			return id, refused
		case id != "": // not the value: it may be anything
			refused = fmt.Sprintf("refused: %d bytes, want 1 to %d visible ASCII characters", len(id), record.MaxIDLen)
		}
	}
	return "", refused
}
