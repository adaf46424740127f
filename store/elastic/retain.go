package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-log/waybill/store"
)

// Retain implements store.Retainer: a day is an index of records, and one of summaries.
func (s *Store) Retain(ctx context.Context, floor time.Time, dry bool) ([]store.Day, error) {
	answer, err := s.do(ctx, esapi.CatIndicesRequest{
		Index: []string{s.prefix + "-records-*", s.prefix + "-journeys-*"}, Format: "json", H: []string{"index", "docs.count", "store.size"}, Bytes: "b",
	})
	if err != nil {
		return nil, fmt.Errorf("list indices: %w", err)
	}
	var indices []struct {
		Name    string `json:"index"`
		Records string `json:"docs.count"`
		Bytes   string `json:"store.size"`
	}
	if err := json.Unmarshal(answer, &indices); err != nil {
		return nil, fmt.Errorf("list indices: %w", err)
	}
	var days []store.Day
	for _, i := range indices {
		name, summaries := strings.CutPrefix(i.Name, s.prefix+"-journeys-")
		day, err := time.Parse(dayLayout, strings.TrimPrefix(name, s.prefix+"-records-"))
		if err != nil || !day.Before(floor.UTC().Truncate(24*time.Hour)) {
			continue // not one of ours, or to be kept
		}
		var records int64
		if !summaries {
			records, _ = strconv.ParseInt(i.Records, 10, 64)
		}
		bytes, _ := strconv.ParseInt(i.Bytes, 10, 64)
		days = append(days, store.Day{Name: i.Name, Records: records, Bytes: bytes})
	}
	slices.SortFunc(days, func(a, b store.Day) int { return cmp.Compare(a.Name, b.Name) })
	if dry {
		return days, nil
	}
	for n, d := range days {
		ignore := true
		if _, err := s.do(ctx, esapi.IndicesDeleteRequest{Index: []string{d.Name}, IgnoreUnavailable: &ignore}); err != nil {
			return days[:n], fmt.Errorf("drop index %s: %w", d.Name, err)
		}
		s.forgetIndex(d.Name)
	}
	return days, nil
}

var _ store.Retainer = (*Store)(nil)
