// Package xmlrpc is the wire form of XML-RPC: calls in, values and faults out.
//
// Values are string, int, bool, float64, []byte (base64), nil, []any and
// map[string]any.
package xmlrpc

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

const header = "<?xml version='1.0'?>\n<methodResponse>\n"

// Fault is an answer that is an error, with supervisord's code.
type Fault struct {
	Code int
	Text string
}

func (f *Fault) Error() string { return f.Text }

// Struct is the fault as a member of the result of system.multicall.
func (f *Fault) Struct() map[string]any {
	return map[string]any{"faultCode": f.Code, "faultString": f.Text}
}

// Response is the document that answers a call with v, or with a fault.
func Response(v any, fault *Fault) []byte {
	out := []byte(header)
	if fault != nil {
		out = append(out, "<fault>\n"...)
		out = append(appendValue(out, fault.Struct()), "</fault>\n"...)
	} else {
		out = append(out, "<params>\n<param>\n"...)
		out = append(appendValue(out, v), "</param>\n</params>\n"...)
	}
	return append(out, "</methodResponse>\n"...)
}

func appendValue(out []byte, v any) []byte {
	return append(appendTyped(append(out, "<value>"...), v), "</value>\n"...)
}

func appendTyped(out []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(out, "<nil/>"...)
	case string:
		return append(appendText(append(out, "<string>"...), v), "</string>"...)
	case int:
		return appendInt(out, v)
	case bool:
		if v {
			return append(out, "<boolean>1</boolean>"...)
		}
		return append(out, "<boolean>0</boolean>"...)
	case float64:
		return append(strconv.AppendFloat(append(out, "<double>"...), v, 'f', -1, 64), "</double>"...)
	case []byte:
		return append(base64.StdEncoding.AppendEncode(append(out, "<base64>"...), v), "</base64>"...)
	case []any:
		out = append(out, "<array><data>\n"...)
		for _, item := range v {
			out = appendValue(out, item)
		}
		return append(out, "</data></array>"...)
	case map[string]any:
		return appendStruct(out, v)
	}
	panic(fmt.Sprintf("xmlrpc: a %T is no value", v))
}

// appendInt writes what does not fit into 32 bits as i8, which is widely understood.
func appendInt(out []byte, v int) []byte {
	kind := "int"
	if v > math.MaxInt32 || v < math.MinInt32 {
		kind = "i8"
	}
	return fmt.Appendf(out, "<%s>%d</%s>", kind, v, kind)
}

func appendStruct(out []byte, v map[string]any) []byte {
	out = append(out, "<struct>\n"...)
	for _, key := range slices.Sorted(maps.Keys(v)) {
		out = append(out, "<member>\n<name>"...)
		out = append(appendText(out, key), "</name>\n"...)
		out = append(appendValue(out, v[key]), "</member>\n"...)
	}
	return append(out, "</struct>"...)
}

// appendText escapes s; what XML has no form for becomes U+FFFD.
func appendText(out []byte, s string) []byte {
	w := buffer(out)
	_ = xml.EscapeText(&w, []byte(s)) // a buffer takes everything
	return w
}

type buffer []byte

func (b *buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}
