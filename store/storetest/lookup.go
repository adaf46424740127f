package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waybill-log/waybill/store"
)

// namedSummaries have keys that begin and end alike, and aliases that are used again.
func namedSummaries(n int) (batch []store.Summary) {
	for i := range n {
		sum := summary(i)
		sum.Day, sum.Start = midnight.AddDate(0, 0, -rand.N(4)), noon.Add(time.Duration(rand.N(9)))
		sum.Key = fmt.Sprintf("%04x%s-%03d-%06x", rand.N(3), strings.Repeat("-", i%2), i, rand.N(3))
		for a := range rand.N(3) {
			sum.Aliases = append(sum.Aliases, fmt.Sprint("A-", rand.N(5)+a))
		}
		sum.Aliases = slices.Compact(sum.Aliases)
		if i%7 == 0 {
			sum.PartOf = "other"
		}
		batch = append(batch, sum)
		if i%5 == 0 { // another day of the same journey
			sum.Day = midnight.AddDate(0, 0, -5)
			batch = append(batch, sum)
		}
	}
	return batch
}

func lookups(t *testing.T, s store.Store) {
	batch := namedSummaries(120)
	batch[0].Key, batch[0].Aliases = "~~~~%_\\\"*?", []string{"order \"7\" *", "注文-1"}
	batch[1].Key, batch[1].Aliases = "~~~~", []string{""}
	holdSummaries(t, s, batch)
	batch[2].Aliases = []string{"A-99"}
	putSummaries(t, s, batch[2:3])
	last, renamed := batch[3].Key, false
	for _, l := range []store.Lookup{
		{Prefix: "0000"}, {Prefix: "0001-"}, {Prefix: "0002--"}, {Prefix: last}, {Prefix: last + "0"}, {Prefix: "ffff"},
		{Prefix: "~~~~"}, {Prefix: "~~~~%"}, {Prefix: "%%%%"}, {Prefix: "????"},
		{Suffix: "000001"}, {Suffix: "-000002"}, {Suffix: last[len(last)-8:]}, {Suffix: last[len(last)-9:]}, {Suffix: last}, {Suffix: "0" + last}, {Suffix: "ffffff"},
		{Suffix: "%_\\\"*?"}, {Suffix: "______"},
		{Alias: "A-0"}, {Alias: "A-1"}, {Alias: "A-5"}, {Alias: "A-"}, {Alias: "a-1"}, {Alias: "order \"7\" *"}, {Alias: "注文-1"}, {Alias: "A-99"},
	} {
		var want []store.Summary
		for i := range batch {
			if l.Matches(&batch[i]) {
				sum := batch[i]
				sum.State = nil
				want = append(want, sum)
			}
		}
		slices.SortFunc(want, func(a, b store.Summary) int { return store.CompareSummaries(&a, &b) })
		if !renamed { // what was put last may not be found yet
			eventually(t, s, "1", func() string {
				found, _, err := s.Lookup(t.Context(), store.Lookup{Alias: "A-99", Limit: 2})
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(len(found))
			})
			renamed = true
		}
		for _, limit := range []int{1, 3, max(1, len(want)), store.MaxLimit} {
			l.Limit = limit
			found, more, err := s.Lookup(t.Context(), l)
			if err != nil || more != (len(want) > limit) {
				t.Errorf("%+v: more: %v of %d, %v", l, more, len(want), err)
			}
			if !slices.IsSortedFunc(found, func(a, b store.Summary) int { return store.CompareSummaries(&a, &b) }) {
				t.Errorf("%+v: not in order", l)
			}
			for i := range found {
				if found[i].State != nil {
					t.Errorf("%+v: with State", l)
				}
			}
			sameSummaries(t, found, want[:min(limit, len(want))])
		}
	}
}

func refusedLookups(t *testing.T, s store.Store) {
	for _, l := range []store.Lookup{
		{}, {Limit: 1}, {Prefix: "abc", Limit: 1}, {Suffix: "abcde", Limit: 1}, {Prefix: "abcd", Suffix: "abcdef", Limit: 1}, {Prefix: "abcd", Alias: "a", Limit: 1},
		{Prefix: strings.Repeat("a", 129), Limit: 1}, {Suffix: strings.Repeat("a", 129), Limit: 1}, {Alias: strings.Repeat("a", 1025), Limit: 1},
		{Prefix: "abcd\xff", Limit: 1}, {Alias: "\xff", Limit: 1}, {Prefix: "abcd"}, {Prefix: "abcd", Limit: store.MaxLimit + 1},
	} {
		if found, more, err := s.Lookup(t.Context(), l); !errors.Is(err, store.ErrQuery) || len(found) > 0 || more {
			t.Errorf("%+v: %v, %v, %v", l, found, more, err)
		}
	}
}
