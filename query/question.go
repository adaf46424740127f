package query

import (
	"context"
	"errors"
	"time"

	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// budget is how long one question may read; an answer that would need longer is partial.
const budget = 5 * time.Second

// Parse reads the text of a query.
func Parse(text string) (filter.Search, error) {
	search, err := filter.Parse(text, time.Now())
	var syntax *filter.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return search, &Error{Kind: Invalid, Field: "q", Column: syntax.Column, Detail: syntax.Reason}
	case err != nil:
		return search, refused(err)
	}
	return search, nil
}

// counted is the question for the records that are counted where a query asks for them;
// partial says that those of some journeys are left out.
func (d *Desk) counted(ctx context.Context, text string) (q store.Query, partial bool, err error) {
	search, err := Parse(text)
	if err != nil {
		return q, false, err
	}
	q = store.Query{Filter: both(search.Records, d.only(ctx)), From: search.From, Until: search.Until, Budget: budget}
	if search.Journey.IsZero() {
		return q, false, nil
	}
	keys, partial, err := d.keys(ctx, search)
	q.Filter = both(filter.In{Field: "correlation.key", Values: keys}, q.Filter)
	return q, partial, err
}
