package instrument

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"time"

	"github.com/waybill-log/waybill/record"
)

// account is what an instance's loss ledger is made from: the numbers it has
// given and those it has dropped. Where there is a data folder it is also kept
// in a mapped page, so that it outlives a kill. The shipper's lock guards it.
type account struct {
	service, node, topic string

	skew    func() time.Duration // nil: none
	last    uint64
	refused uint64
	dropped []record.Dropped // by From
	page    []byte           // nil: none
}

// Why numbers are dropped.
const (
	reasonFull    = "the buffer was full"
	reasonLarge   = "larger than the topic's max.message.bytes"
	reasonInvalid = "refused by Kafka as invalid"
)

// maxDropped bounds the ranges of a ledger; beyond it the two nearest of one level and reason become one.
const maxDropped = 256

// The page, little endian: 0 magic, 4 checksum of 24 on, 8 last, 16 refused, 24 number
// of ranges, then per range From, To, Count, reason and lane. The ranges change
// seldom; last and refused, with each record, stand outside the checksum.
const (
	pageBytes = 16 << 10
	pageMagic = 0x47444c57 // "WLDG"
	pageHead  = 32
	pageRange = 26
)

var (
	reasons = [...]string{reasonFull, reasonLarge, reasonInvalid}
	levels  = [...]string{laneDebug: "debug", laneInfo: "info", laneWarn: "warn", laneError: "error", lanes: ""}
)

// number gives the next number.
func (a *account) number() uint64 {
	a.last++
	return a.last
}

// given notes the last number in the page, once its record is in the buffer: a
// kill between the two must not leave a number that no record has.
func (a *account) given() {
	if a.page != nil {
		binary.LittleEndian.PutUint64(a.page[8:], a.last)
	}
}

func (a *account) refuse() {
	a.refused++
	if a.page != nil {
		binary.LittleEndian.PutUint64(a.page[16:], a.refused)
	}
}

// drop notes dropped numbers. Ranges of the same level and reason, one right
// behind the other, become one.
func (a *account) drop(d record.Dropped) {
	if d.Count == d.To-d.From+1 {
		d.Count = 0
	}
	i, _ := slices.BinarySearchFunc(a.dropped, d.From, func(e record.Dropped, from uint64) int { return cmp.Compare(e.From, from) })
	a.dropped = slices.Insert(a.dropped, i, d)
	for _, at := range [...]int{i, i - 1} { // d and the one behind it, the one before and d
		if at >= 0 && at+1 < len(a.dropped) && a.dropped[at].To+1 == a.dropped[at+1].From && joinable(a.dropped[at], a.dropped[at+1]) {
			a.dropped[at] = join(a.dropped[at], a.dropped[at+1])
			a.dropped = slices.Delete(a.dropped, at+1, at+2)
		}
	}
	if len(a.dropped) > maxDropped {
		a.shorten()
	}
	a.save()
}

// shorten makes one range of the two that leave the fewest numbers between them.
func (a *account) shorten() {
	nearest, gap := -1, uint64(0)
	for i := range len(a.dropped) - 1 {
		g := a.dropped[i+1].From - min(a.dropped[i].To, a.dropped[i+1].From)
		if joinable(a.dropped[i], a.dropped[i+1]) && (nearest < 0 || g < gap) {
			nearest, gap = i, g
		}
	}
	if nearest < 0 {
		nearest = 0
	}
	a.dropped[nearest] = join(a.dropped[nearest], a.dropped[nearest+1])
	a.dropped = slices.Delete(a.dropped, nearest+1, nearest+2)
}

func joinable(a, b record.Dropped) bool { return a.Level == b.Level && a.Reason == b.Reason }

func join(a, b record.Dropped) record.Dropped {
	if a.Level != b.Level {
		a.Level = ""
	}
	a.Count = counted(a) + counted(b)
	a.From, a.To = min(a.From, b.From), max(a.To, b.To)
	if a.Count == a.To-a.From+1 {
		a.Count = 0
	}
	return a
}

func counted(d record.Dropped) uint64 {
	if d.Count > 0 {
		return d.Count
	}
	return d.To - d.From + 1
}

// ledger is what the account says now; unsettled is the lowest number Kafka has
// not acknowledged, 0 for none.
func (a *account) ledger(unsettled uint64, stopped bool) record.Ledger {
	if unsettled == 0 {
		unsettled = a.last + 1
	}
	now := time.Now().UTC()
	if a.skew != nil {
		now = now.Add(a.skew())
	}
	return record.Ledger{
		Time: now, Service: a.service, Node: a.node,
		Last: a.last, Unsettled: unsettled, Dropped: slices.Clone(a.dropped), Refused: a.refused, Stopped: stopped,
	}
}

// keep makes page the account's.
func (a *account) keep(page []byte) {
	a.page = page
	binary.LittleEndian.PutUint32(page, pageMagic)
	binary.LittleEndian.PutUint64(page[8:], a.last)
	binary.LittleEndian.PutUint64(page[16:], a.refused)
	a.save()
}

// save writes the ranges.
func (a *account) save() {
	if a.page == nil {
		return
	}
	binary.LittleEndian.PutUint64(a.page[24:], uint64(len(a.dropped)))
	at := pageHead
	for _, d := range a.dropped {
		binary.LittleEndian.PutUint64(a.page[at:], d.From)
		binary.LittleEndian.PutUint64(a.page[at+8:], d.To)
		binary.LittleEndian.PutUint64(a.page[at+16:], d.Count)
		a.page[at+24] = byte(slices.Index(reasons[:], d.Reason))
		a.page[at+25] = byte(slices.Index(levels[:], d.Level))
		at += pageRange
	}
	binary.LittleEndian.PutUint32(a.page[4:], crc32.Checksum(a.page[24:at], castagnoli))
}

// recover reads the page of a killed process. Where its ranges are not what was
// written they are left out; false says so.
func (a *account) recover(page []byte) bool {
	if len(page) < pageBytes || binary.LittleEndian.Uint32(page) != pageMagic {
		return false
	}
	a.last, a.refused = binary.LittleEndian.Uint64(page[8:]), binary.LittleEndian.Uint64(page[16:])
	n := binary.LittleEndian.Uint64(page[24:])
	if n > maxDropped || crc32.Checksum(page[24:pageHead+int(n)*pageRange], castagnoli) != binary.LittleEndian.Uint32(page[4:]) {
		return false
	}
	for at := pageHead; len(a.dropped) < int(n); at += pageRange {
		reason, level := int(page[at+24]), int(page[at+25])
		if reason >= len(reasons) || level >= len(levels) {
			return false
		}
		a.dropped = append(a.dropped, record.Dropped{
			From: binary.LittleEndian.Uint64(page[at:]), To: binary.LittleEndian.Uint64(page[at+8:]), Count: binary.LittleEndian.Uint64(page[at+16:]),
			Reason: reasons[reason], Level: levels[level],
		})
	}
	return true
}
