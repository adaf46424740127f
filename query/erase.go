package query

import (
	"context"

	"github.com/waybill-log/waybill/record"
)

// Erase hides a journey: from now on no answer has its records, nor those of services
// without a correlation ID that are part of it. Only a whole ID names what is to be erased.
func (d *Desk) Erase(ctx context.Context, text string) error {
	if d.cfg.Erase == nil {
		return unknown("nothing can be erased on this server")
	}
	f, err := d.exactly(ctx, text, maxRecords)
	if err != nil {
		return err
	}
	if len(f.records) == 0 {
		return unknown("no records of %s have arrived", f.id)
	}
	keys := keysOf(f.records)
	if err := d.cfg.Erase(ctx, keys); err != nil {
		return cause("erase journey", err)
	}
	d.builds.forget(keys)
	d.log.InfoContext(ctx, "journey erased", "erased_id", f.id)
	return nil
}

// keysOf are the correlation keys of some records, in the order in which they are met.
func keysOf(records []record.Record) (keys []string) {
	seen := map[string]bool{}
	for i := range records {
		if key := records[i].CorrelationKey; !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}
