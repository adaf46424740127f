package ship

import (
	"bytes"
	"iter"
)

// Bounds on a batch. The intake takes 16 MiB and 100,000 records.
const (
	batchBytes   = 4 << 20
	batchRecords = 20_000
)

// Batch holds encoded records, and how far their files are shipped with them.
type Batch struct {
	Body    []byte // one record a line
	Records int
	marks   []mark
}

// All are the records.
func (b *Batch) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for line := range bytes.Lines(b.Body) {
			if !yield(line[:len(line)-1]) {
				return
			}
		}
	}
}

// Halves splits a batch that is too large for who takes it.
func (b *Batch) Halves() (first, second *Batch) {
	half, at := 0, 0
	for value := range b.All() {
		if half == b.Records/2 {
			break
		}
		half++
		at += len(value) + 1
	}
	return &Batch{Body: b.Body[:at], Records: half}, &Batch{Body: b.Body[at:], Records: b.Records - half}
}

func (b *Batch) full() bool { return len(b.Body) >= batchBytes || b.Records >= batchRecords }

// reached notes how far a file is shipped once this batch is.
func (b *Batch) reached(m mark) {
	for i := range b.marks {
		if b.marks[i].of == m.of {
			b.marks[i] = m
			return
		}
	}
	b.marks = append(b.marks, m)
}

func (b *Batch) reset() { b.Body, b.Records, b.marks = b.Body[:0], 0, b.marks[:0] }
