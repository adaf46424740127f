package client

import (
	"strings"
	"time"

	"github.com/waybill-log/waybill/store/filter"
)

// With is a query to which conditions are added. All of them hold, whatever the query is.
func With(q string, conditions ...string) string {
	q = strings.TrimSpace(q)
	switch {
	case len(conditions) == 0:
		return q
	case q == "":
		return strings.Join(conditions, " ")
	}
	search, err := filter.Parse(q, time.Now())
	if err == nil && search.Records != nil && search.Journey.IsZero() && search.From.IsZero() && search.Until.IsZero() {
		q = "(" + q + ")" // or an OR would take what is added for a part of its last side
	}
	return q + " " + strings.Join(conditions, " ")
}

// Since is a query that asks for what came since a time, too, unless it says a time itself.
func Since(q string, at time.Time) string {
	if search, err := filter.Parse(q, time.Now()); err == nil && !search.From.IsZero() {
		return q
	}
	return With(q, "since:"+at.UTC().Format(time.RFC3339Nano))
}

// Quoted is a value as it stands in a query, whatever is in it.
func Quoted(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}
