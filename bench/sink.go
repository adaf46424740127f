package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
)

// playSink is an Elasticsearch that accepts everything and keeps nothing. A
// bulk request is answered as the real one does, with an item for each action,
// as long as filter_path leaves it.
func playSink() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var taken atomic.Int64
	mux := http.NewServeMux()
	bulk := func(w http.ResponseWriter, r *http.Request) {
		lines, err := count(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Write(bulkAnswer(lines/2, r.URL.Query().Get("filter_path")))
		taken.Add(int64(lines / 2))
	}
	mux.HandleFunc("/_bulk", bulk)
	mux.HandleFunc("/{index}/_bulk", bulk)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"name":"sink","cluster_name":"sink","version":{"number":"8.19.21","build_flavor":"default"},"tagline":"You Know, for Search"}`)
	})
	mux.HandleFunc("/taken", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, taken.Load()) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"acknowledged":true}`) })
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		mux.ServeHTTP(w, r)
	})}
	go server.Serve(ln)
	fmt.Println(ln.Addr())
	return errors.Join(untilStdinCloses(), server.Close())
}

// count is how many lines there are: two for each action.
func count(body io.Reader) (lines int, err error) {
	b := make([]byte, 256<<10)
	for {
		n, err := body.Read(b)
		lines += bytes.Count(b[:n], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

func bulkAnswer(items int, filter string) []byte {
	item := `{"create":{"_index":"waybill-records-2026.11.23","_id":"06h0k6om4pisig9rioj74-123456","_version":1,"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":123456,"_primary_term":1,"status":201}}`
	switch {
	case strings.Contains(filter, "_index"):
		item = `{"create":{"_index":"waybill-records-2026.11.23","status":201}}`
	case strings.Contains(filter, "items"):
		item = `{"create":{"status":201}}`
	case filter != "":
		return []byte(`{"errors":false}`)
	}
	all := strings.Repeat(item+",", items)
	return fmt.Appendf(nil, `{"errors":false,"took":30,"items":[%s]}`, strings.TrimSuffix(all, ","))
}
