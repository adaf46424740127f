package hook

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/waybill-log/waybill/alerts"
)

// KeyPrefix begins all keys that the package puts into a journal.
const KeyPrefix = "hook/"

// parcel is a notification that waits for one receiver, as the journal keeps it.
type parcel struct {
	Seq          uint64 // of its partition; what comes first is tried first
	Notification alerts.Notification
	Delivery     Delivery
	Been         []string          `json:",omitempty"` // receivers that gave it up, the one it is meant for first
	Since        time.Time         // of the first attempt; zero: none
	Due          time.Time         // zero: now
	Members      []byte            `json:",omitempty"` // of a gathered one: hashes of the IDs in it
	Carried      map[string]string `json:",omitempty"` // headers of its journey

	kept  bool // in the journal, durably
	tried bool // it may have been: it is not gathered
}

// fresh reports whether p has not been tried and is no gathered one, so that it can be gathered.
func (p *parcel) fresh() bool { return !p.tried && len(p.Members) == 0 }

// after compares p with a place in the order of parcels.
func (p *parcel) after(seq uint64) int { return cmp.Compare(p.Seq, seq) }

// meantFor is the receiver that rules have named.
func (p *parcel) meantFor() string {
	if len(p.Been) > 0 {
		return p.Been[0]
	}
	return p.Delivery.Receiver
}

// past is a delivery that has ended, as the journal keeps it.
type past struct {
	N        uint64 // counts those of a receiver in a partition
	Delivery Delivery
	Parcel   *parcel `json:",omitempty"` // of one given up, to be redriven
	Members  []byte  `json:",omitempty"` // as in a parcel, of one that was taken
}

// pastOf is the end of p, as small as it may be.
func pastOf(p *parcel) past {
	e := past{Delivery: p.Delivery.copied()}
	if e.Delivery.Outcome == Failed {
		e.Parcel = &parcel{Notification: p.Notification, Been: p.Been, Members: p.Members}
	} else {
		e.Members = p.Members
	}
	return e
}

// ids are hashes of the IDs that e is the end of.
func (e *past) ids() iter.Seq[idHash] {
	return func(yield func(idHash) bool) {
		if !yield(hashOf(e.Delivery.ID)) {
			return
		}
		members := e.Members
		if e.Parcel != nil {
			members = e.Parcel.Members
		}
		membersOf(members)(yield)
	}
}

func membersOf(members []byte) iter.Seq[idHash] {
	return func(yield func(idHash) bool) {
		for one := range slices.Chunk(members, len(idHash{})) {
			if len(one) < len(idHash{}) || !yield(idHash(one)) {
				return
			}
		}
	}
}

// Keys. IDs may be any text, so they come last. Names of receivers have no slash.
func waitingKey(receiver, id string) string {
	return KeyPrefix + "waiting/" + receiver + "/" + shortened(id)
}
func headKey(receiver string) string { return KeyPrefix + "head/" + receiver }
func pastKey(receiver string, n uint64, size int) string {
	return fmt.Sprintf("%spast/%s/%d", KeyPrefix, receiver, n%uint64(size))
}

// shortened keeps the keys of a journal bounded.
func shortened(id string) string {
	if len(id) <= 200 {
		return id
	}
	h := hashOf(id)
	return id[:100] + "~" + base64.RawURLEncoding.EncodeToString(h[:])
}

// split gives the kind of a key, and the receiver.
func split(key string) (kind, receiver string, ok bool) {
	key, ok = strings.CutPrefix(key, KeyPrefix)
	if !ok {
		return "", "", false
	}
	kind, key, ok = strings.Cut(key, "/")
	receiver, _, _ = strings.Cut(key, "/")
	return kind, receiver, ok && receiver != ""
}

func encoded(value any) []byte {
	b, err := json.Marshal(value)
	if err != nil { // only times out of range can be at fault, and bounded refuses those
		panic(fmt.Sprintf("hook: encode %T: %v", value, err))
	}
	return b
}
