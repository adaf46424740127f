package screen

import "sort"

// Bounds on what is remembered of a tail.
const (
	maxRecords = 20_000
	maxBytes   = 16 << 20
)

// memory is the latest records, by numbers that count them from 0, and those of them that are shown.
type memory struct {
	records [][]byte
	first   int // the number of the first
	bytes   int
	shown   []int // numbers of those that the filter wants
	wanted  func(raw []byte) bool
}

func (m *memory) end() int { return m.first + len(m.records) }

// add takes a record, which nobody changes any more, and says whether it is shown.
func (m *memory) add(raw []byte) (shown bool) {
	if shown = m.wanted == nil || m.wanted(raw); shown {
		m.shown = append(m.shown, m.end())
	}
	m.records = append(m.records, raw)
	m.bytes += len(raw)
	for len(m.records) > maxRecords || m.bytes > maxBytes && len(m.records) > 1 {
		m.bytes -= len(m.records[0])
		m.records[0] = nil
		m.records = m.records[1:]
		m.first++
		if len(m.shown) > 0 && m.shown[0] < m.first {
			m.shown = m.shown[1:]
		}
	}
	return shown
}

// filter shows those that are wanted; nil: all.
func (m *memory) filter(wanted func(raw []byte) bool) {
	m.wanted = wanted
	m.shown = m.shown[:0:0]
	for i, raw := range m.records {
		if wanted == nil || wanted(raw) {
			m.shown = append(m.shown, m.first+i)
		}
	}
}

// at is the record of a number.
func (m *memory) at(number int) []byte { return m.records[number-m.first] }

// place is where a record of at least this number is among those shown.
func (m *memory) place(number int) int { return sort.SearchInts(m.shown, number) }
