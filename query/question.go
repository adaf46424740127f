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

// nobody is a key that no record has: it is not in lower case.
const nobody = "NOBODY"

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

// records is the question for records that a query asks for.
func (d *Desk) records(ctx context.Context, text string) (store.Query, error) {
	search, err := Parse(text)
	if err != nil {
		return store.Query{}, err
	}
	q := store.Query{Filter: both(search.Records, d.only(ctx)), From: search.From, Until: search.Until, Budget: budget}
	if search.Journey.IsZero() {
		return q, nil
	}
	keys, err := d.keys(ctx, search)
	if len(keys) == 0 {
		keys = []string{nobody}
	}
	q.Filter = both(filter.In{Field: "correlation.key", Values: keys}, q.Filter)
	return q, err
}
