package elastic

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/waybill-log/waybill/store"
)

// erasures is the index of erasures: few, and all of them read at once.
func (s *Store) erasures() string { return s.prefix + "-erasures" }

const erasuresIndex = `{"settings":{"index.number_of_shards":1,"index.auto_expand_replicas":"0-1"},
	"mappings":{"dynamic":false,"properties":{"key":{"type":"keyword"},"at":{"type":"date_nanos"}}}}`

func erasureID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Erase implements store.Eraser.
func (s *Store) Erase(ctx context.Context, erasures []store.Erasure) error {
	there, err := s.Erasures(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, e := range there {
		known[e.Key] = true
	}
	erasures = slices.DeleteFunc(slices.Clone(erasures), func(e store.Erasure) bool { return known[e.Key] })
	if len(there)+len(erasures) > store.MaxErasures {
		return fmt.Errorf("%w: more than %d journeys are erased and still stored; wait until the oldest have gone", store.ErrQuery, store.MaxErasures)
	}
	_, err = s.do(ctx, esapi.IndicesCreateRequest{Index: s.erasures(), Body: strings.NewReader(erasuresIndex)})
	var refused *refusal
	if err != nil && (!errors.As(err, &refused) || refused.kind != "resource_already_exists_exception") {
		return fmt.Errorf("create index %s: %w", s.erasures(), err)
	}
	for _, e := range erasures {
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		_, err = s.do(ctx, esapi.IndexRequest{
			Index: s.erasures(), DocumentID: erasureID(e.Key), OpType: "create", Refresh: "true", Body: strings.NewReader(string(body)),
		})
		if err != nil && (!errors.As(err, &refused) || refused.status != http.StatusConflict) {
			return fmt.Errorf("erase: %w", err)
		}
	}
	return nil
}

// Restore implements store.Eraser.
func (s *Store) Restore(ctx context.Context, keys []string) error {
	for _, key := range keys {
		_, err := s.do(ctx, esapi.DeleteRequest{Index: s.erasures(), DocumentID: erasureID(key), Refresh: "true"})
		var refused *refusal
		if err != nil && (!errors.As(err, &refused) || refused.status != http.StatusNotFound) {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return nil
}

// Erasures implements store.Eraser.
func (s *Store) Erasures(ctx context.Context) ([]store.Erasure, error) {
	yes, no, size := true, false, store.MaxErasures
	answer, err := s.do(ctx, esapi.SearchRequest{
		Index: []string{s.erasures()}, Size: &size, Sort: []string{"key:asc"}, IgnoreUnavailable: &yes, AllowNoIndices: &yes, AllowPartialSearchResults: &no,
	})
	if err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	var found struct {
		Hits struct {
			Hits []struct {
				Source store.Erasure `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return nil, fmt.Errorf("read erasures: %w", err)
	}
	var out []store.Erasure
	for _, h := range found.Hits.Hits {
		out = append(out, h.Source)
	}
	return out, nil
}

var _ store.Eraser = (*Store)(nil)
