package query

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/record"
)

// build is a journey as it was built once, as far as windows of its records need it. Its memory
// is a few slices, however many records there are. It never changes.
type build struct {
	revision string
	text     string // that asked for it
	sees     string // what the asker may see of the records
	id       string // correlation ID
	asOf     *time.Time
	keys     []string // correlation keys of its records
	hops     []string // their IDs
	raw      []byte   // all records, in causal order
	ends     *time.Timer
	until    []int    // where each ends in raw
	hopOf    []int32  // of each record, in hops; -1: it is in none
	hashes   []uint64 // of their identities
}

// revisionOf names what a journey's records are, in which order, and what of it an asker sees.
func revisionOf(j *journey.Journey, sees string) string {
	h := sha256.New()
	var b []byte
	for i, r := range j.Records {
		b = append(append(b[:0], r.Identity()...), 0)
		h.Write(binary.BigEndian.AppendUint32(b, uint32(j.RecordHops[i])))
	}
	h.Write([]byte(sees))
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func newBuild(j *journey.Journey, text, sees string) *build {
	b := &build{
		revision: revisionOf(j, sees), text: text, sees: sees, id: j.CorrelationID, asOf: j.AsOf,
		hops: make([]string, len(j.Hops)), until: make([]int, len(j.Records)), hopOf: j.RecordHops, hashes: make([]uint64, len(j.Records)),
	}
	for i := range j.Hops {
		b.hops[i] = j.Hops[i].ID
	}
	size := 0
	for _, r := range j.Records {
		size += len(r.Raw)
	}
	b.raw = make([]byte, 0, size)
	for i, r := range j.Records {
		b.raw = append(b.raw, r.Raw...)
		b.until[i], b.hashes[i] = len(b.raw), xxhash.Sum64String(r.Identity())
		if !slices.Contains(b.keys, r.CorrelationKey) {
			b.keys = append(b.keys, r.CorrelationKey)
		}
	}
	return b
}

func (b *build) bytes() int64 { return int64(len(b.raw) + 20*len(b.until) + 32*len(b.hops)) }

// has reports whether the build has records of one of some correlation keys.
func (b *build) has(keys []string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return slices.Contains(b.keys, key) })
}

// names reports whether a text asks for this journey: as it was asked for, or by its ID.
func (b *build) names(text string) bool {
	return text == b.text || record.SameID(unwrap(text), b.id)
}

func (b *build) record(place int) record.Record {
	from := 0
	if place > 0 {
		from = b.until[place-1]
	}
	return record.Record{Raw: b.raw[from:b.until[place]:b.until[place]]}
}

// place is where a record stands; -1: it is not one of them.
func (b *build) place(id string) int {
	hash := xxhash.Sum64String(id)
	for i, h := range b.hashes {
		if h == hash {
			raw := b.record(i).Raw
			if s, err := record.Scan(raw); err == nil && s.ID == id {
				return i
			}
		}
	}
	return -1
}

// of are the places of the records of one hop; nil where there is no such hop.
func (b *build) of(hop string) []int {
	at := slices.Index(b.hops, hop)
	if at < 0 {
		return nil
	}
	places := []int{}
	for i, of := range b.hopOf {
		if of == int32(at) {
			places = append(places, i)
		}
	}
	return places
}
