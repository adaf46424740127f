package intake

import (
	"encoding/base64"
	"math"
	"strconv"

	common "go.opentelemetry.io/proto/otlp/common/v1"

	"github.com/waybill-log/waybill/record"
)

// maxDepth bounds the groups whose members become labels of their own; what is
// nested deeper is shown as JSON.
const maxDepth = 16

// flatten calls visit for each leaf of a value, groups being dotted keys.
func flatten(key string, v *common.AnyValue, depth int, visit func(key, value string)) {
	group, ok := v.GetValue().(*common.AnyValue_KvlistValue)
	if !ok || depth == maxDepth || len(group.KvlistValue.GetValues()) == 0 {
		visit(key, textOf(v))
		return
	}
	key = record.Cut(key, maxKey) + "."
	for _, member := range group.KvlistValue.GetValues() {
		flatten(key+member.GetKey(), member.GetValue(), depth+1, visit)
	}
}

// textOf renders a value: lists and groups as JSON, all others as they are.
func textOf(v *common.AnyValue) string {
	switch x := v.GetValue().(type) {
	case nil:
		return ""
	case *common.AnyValue_StringValue:
		return x.StringValue
	case *common.AnyValue_BytesValue:
		return base64.StdEncoding.EncodeToString(x.BytesValue)
	case *common.AnyValue_DoubleValue:
		return strconv.FormatFloat(x.DoubleValue, 'g', -1, 64)
	default:
		return string(appendJSON(nil, v))
	}
}

// appendJSON stops where dst is longer than is kept of any text.
func appendJSON(dst []byte, v *common.AnyValue) []byte {
	if len(dst) > maxMessage {
		return dst
	}
	switch x := v.GetValue().(type) {
	case *common.AnyValue_BoolValue:
		return strconv.AppendBool(dst, x.BoolValue)
	case *common.AnyValue_IntValue:
		return strconv.AppendInt(dst, x.IntValue, 10)
	case *common.AnyValue_DoubleValue:
		if !math.IsNaN(x.DoubleValue) && !math.IsInf(x.DoubleValue, 0) {
			return strconv.AppendFloat(dst, x.DoubleValue, 'g', -1, 64)
		}
		return record.AppendString(dst, textOf(v))
	case *common.AnyValue_ArrayValue:
		dst = append(dst, '[')
		for i, element := range x.ArrayValue.GetValues() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, element)
		}
		return append(dst, ']')
	case *common.AnyValue_KvlistValue:
		dst = append(dst, '{')
		for i, member := range x.KvlistValue.GetValues() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(record.AppendString(dst, member.GetKey()), ':')
			dst = appendJSON(dst, member.GetValue())
		}
		return append(dst, '}')
	case nil:
		return append(dst, "null"...)
	default:
		return record.AppendString(dst, textOf(v))
	}
}
