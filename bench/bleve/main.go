// Bleve brings records into an index of Bleve: a peer of Waybill's embedded store.
// A module of its own, so that its dependencies are not Waybill's.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/lang/cjk"
	"github.com/blevesearch/bleve/v2/mapping"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "bleve: want the path of the index to make")
		os.Exit(2)
	}
	if err := pour(os.Args[1], os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "bleve:", err)
		os.Exit(1)
	}
}

// batchRecords is how many records are indexed at a time; each batch is on disk
// before the next.
const batchRecords = 1000

// pour indexes records, a line each.
func pour(path string, in io.Reader) error {
	index, err := bleve.New(path, fields())
	if err != nil {
		return err
	}
	return errors.Join(fill(index, in), index.Close())
}

func fill(index bleve.Index, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	batch := index.NewBatch()
	for lines.Scan() {
		var d document
		if err := json.Unmarshal(lines.Bytes(), &d); err != nil {
			return err
		}
		d.Raw = lines.Text()
		if err := batch.Index(d.ID, d); err != nil {
			return err
		}
		if batch.Size() < batchRecords {
			continue
		}
		if err := index.Batch(batch); err != nil {
			return err
		}
		batch.Reset()
	}
	return errors.Join(lines.Err(), index.Batch(batch))
}

// document is what is asked for, and the record as it was written.
type document struct {
	ID      string    `json:"event.id"`
	Time    time.Time `json:"@timestamp"`
	Key     string    `json:"correlation.key"`
	Service string    `json:"service.name"`
	Level   string    `json:"log.level"`
	Message string    `json:"message"`
	Raw     string    `json:"raw"`
}

// Type implements mapping.Classifier.
func (document) Type() string { return "record" }

func fields() mapping.IndexMapping {
	word := bleve.NewTextFieldMapping()
	word.Analyzer = keyword.Name
	text := bleve.NewTextFieldMapping()
	text.Analyzer = cjk.AnalyzerName
	raw := bleve.NewTextFieldMapping()
	raw.Index, raw.DocValues = false, false
	at := bleve.NewDateTimeFieldMapping()
	for _, f := range []*mapping.FieldMapping{word, text, at} {
		f.Store, f.IncludeInAll = false, false
	}
	raw.IncludeInAll = false

	d := bleve.NewDocumentStaticMapping()
	d.AddFieldMappingsAt("@timestamp", at)
	for _, name := range []string{"correlation.key", "service.name", "log.level"} {
		d.AddFieldMappingsAt(name, word)
	}
	d.AddFieldMappingsAt("message", text)
	d.AddFieldMappingsAt("raw", raw)
	m := bleve.NewIndexMapping()
	m.DefaultMapping = d
	return m
}
