package intake

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"

	common "go.opentelemetry.io/proto/otlp/common/v1"
	"google.golang.org/protobuf/proto"
)

// maxUID is the longest name of a record that is kept as it is, in bytes: with
// its prefix it stays below the 512 that Elasticsearch takes.
const maxUID = 500

// named is the event.id of a record that its sender has given a name.
func named(uid string) string {
	if len(uid) > maxUID || strings.ContainsFunc(uid, func(c rune) bool { return c < 0x20 || c == 0x7F }) {
		sum := sha256.Sum256([]byte(uid))
		return "uid-sha256:" + hex.EncodeToString(sum[:])
	}
	return "uid:" + uid
}

// digest hashes what a record is made of.
type digest struct{ hash.Hash }

func newDigest() digest { return digest{sha256.New()} }

// add hashes one part, told apart from the next by its length.
func (h digest) add(part []byte) {
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(part)))
	h.Write(size[:])
	h.Write(part)
}

// message hashes a message whose attributes are in canonical order. What cannot
// be encoded hashes as far as it could.
func (h digest) message(m proto.Message, scratch []byte) []byte {
	scratch, _ = proto.MarshalOptions{Deterministic: true, AllowPartial: true}.MarshalAppend(scratch[:0], m)
	h.add(scratch)
	return scratch
}

// time makes the time of receipt part of the content.
func (h digest) time(t time.Time) { h.add(strconv.AppendInt(nil, t.UnixNano(), 10)) }

// id is the event.id: 128 bits of the hash, and the place among equal ones in
// this request, the first being left out.
func (b *batch) id(h digest) string {
	sum := hex.EncodeToString(h.Sum(nil)[:16])
	b.equal[sum]++
	if n := b.equal[sum]; n > 1 {
		return "sum:" + sum + "-" + strconv.Itoa(n)
	}
	return "sum:" + sum
}

// canonical sorts attributes by key, also within groups. Equal keys keep their order.
func canonical(attributes []*common.KeyValue) {
	slices.SortStableFunc(attributes, func(a, b *common.KeyValue) int { return strings.Compare(a.GetKey(), b.GetKey()) })
	for _, a := range attributes {
		canonicalValue(a.GetValue())
	}
}

func canonicalValue(v *common.AnyValue) {
	switch x := v.GetValue().(type) {
	case *common.AnyValue_KvlistValue:
		canonical(x.KvlistValue.GetValues())
	case *common.AnyValue_ArrayValue:
		for _, element := range x.ArrayValue.GetValues() {
			canonicalValue(element)
		}
	}
}

func appendBase64(dst, src []byte) []byte { return base64.StdEncoding.AppendEncode(dst, src) }
