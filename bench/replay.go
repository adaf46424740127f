package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
)

const (
	replayers  = 4    // the bulk requests under way of a collector with four partitions
	replayBulk = 5000 // actions in one
)

// replay sends a workload to an index that is there, in requests that are put
// together beforehand.
func replay(s *servers, index string, w *workload) (figures, error) {
	var bodies [][]byte
	for from := 0; from < len(w.values); from += replayBulk {
		var body bytes.Buffer
		for i := from; i < min(from+replayBulk, len(w.values)); i++ {
			_, id, _ := bytes.Cut(w.values[i], []byte(`"event.id":"`))
			fmt.Fprintf(&body, `{"create":{"_index":"%s","_id":"%s}}`+"\n", index, bytes.TrimSuffix(id, []byte("}")))
			body.Write(append(w.values[i], '\n'))
		}
		bodies = append(bodies, body.Bytes())
	}
	queue := make(chan []byte, len(bodies))
	for _, body := range bodies {
		queue <- body
	}
	close(queue)
	failed := make(chan error, replayers)
	var all sync.WaitGroup
	for range replayers {
		all.Go(func() {
			for body := range queue {
				if err := s.bulk(body); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	rate, err := watch(func() (int64, error) {
		select {
		case err := <-failed:
			return 0, err
		default:
			return s.indexed(index)
		}
	})
	all.Wait()
	return figures{rate: rate}, err
}

func (s *servers) bulk(body []byte) error {
	res, err := http.Post(s.url+"/_bulk", "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && !bytes.Contains(answer, []byte(`"errors":false`)) {
		err = fmt.Errorf("bulk: %s: %.500s", res.Status, answer)
	}
	return err
}
