package xmlrpc

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxDepth is how deep arrays and structs may lie in each other.
const maxDepth = 32

// maxValues is how many values one call may have, those inside others included.
const maxValues = 10_000

var (
	errDeep    = errors.New("values lie too deep in each other")
	errMany    = errors.New("too many values")
	errNoCall  = errors.New("not a methodCall")
	errNoName  = errors.New("no methodName")
	errVersion = errors.New("only UTF-8")
)

// Call is one method with its parameters.
type Call struct {
	Method string
	Params []any
}

// ParseCall reads a methodCall document. Clients that leave out an empty params are understood.
func ParseCall(document []byte) (*Call, error) {
	d := xml.NewDecoder(bytes.NewReader(document))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if l := strings.ToLower(label); l == "utf8" || l == "us-ascii" || l == "ascii" {
			return in, nil
		}
		return nil, errVersion
	}
	p := &parser{d: d}
	root, err := p.start()
	if err != nil {
		return nil, err
	}
	if root.Name.Local != "methodCall" {
		return nil, errNoCall
	}
	call := &Call{Params: []any{}}
	err = p.children(func(e xml.StartElement) (err error) {
		switch e.Name.Local {
		case "methodName":
			call.Method, err = p.text()
			call.Method = strings.TrimSpace(call.Method)
		case "params":
			err = p.children(func(xml.StartElement) error { // param
				return p.children(func(xml.StartElement) error {
					v, err := p.value(0)
					call.Params = append(call.Params, v)
					return err
				})
			})
		default:
			err = d.Skip()
		}
		return err
	})
	if err == nil && call.Method == "" {
		err = errNoName
	}
	return call, err
}

// parser walks over the elements of a document.
type parser struct {
	d      *xml.Decoder
	values int
}

// start gives the next element, text before it aside.
func (p *parser) start() (xml.StartElement, error) {
	for {
		t, err := p.d.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if e, ok := t.(xml.StartElement); ok {
			return e, nil
		}
	}
}

// children calls each at every element inside the present one; each must read it to its end.
func (p *parser) children(each func(xml.StartElement) error) error {
	for {
		t, err := p.d.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := each(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// text gives what is inside the present element, which has no elements in it.
func (p *parser) text() (string, error) {
	var out strings.Builder
	for {
		t, err := p.d.Token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.CharData:
			out.Write(t)
		case xml.StartElement:
			return "", fmt.Errorf("<%s> does not belong here", t.Name.Local)
		case xml.EndElement:
			return out.String(), nil
		}
	}
}

// value reads the inside of <value>: a typed value, or text.
func (p *parser) value(depth int) (v any, err error) {
	if p.values++; p.values > maxValues {
		return nil, errMany
	}
	if depth > maxDepth {
		return nil, errDeep
	}
	var plain strings.Builder
	typed := false
	for {
		t, err := p.d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			plain.Write(t)
		case xml.StartElement:
			if v, err = p.typed(t.Name.Local, depth); err != nil {
				return nil, err
			}
			typed = true
		case xml.EndElement:
			if !typed {
				return plain.String(), nil
			}
			return v, nil
		}
	}
}

func (p *parser) typed(kind string, depth int) (any, error) {
	switch kind {
	case "array":
		return p.array(depth)
	case "struct":
		return p.object(depth)
	}
	s, err := p.text()
	if err != nil {
		return nil, err
	}
	switch kind {
	case "string", "dateTime.iso8601":
		return s, nil
	case "int", "i4", "i8", "i1", "i2":
		return strconv.Atoi(strings.TrimSpace(s))
	case "boolean":
		return strings.TrimSpace(s) == "1", nil
	case "double":
		return strconv.ParseFloat(strings.TrimSpace(s), 64)
	case "base64":
		return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	case "nil":
		return nil, nil
	}
	return nil, fmt.Errorf("<%s> is no type of XML-RPC", kind)
}

func (p *parser) array(depth int) (any, error) {
	out := []any{}
	err := p.children(func(xml.StartElement) error { // data
		return p.children(func(xml.StartElement) error {
			v, err := p.value(depth + 1)
			out = append(out, v)
			return err
		})
	})
	return out, err
}

func (p *parser) object(depth int) (any, error) {
	out := map[string]any{}
	err := p.children(func(xml.StartElement) error { // member
		name, v := "", any(nil)
		err := p.children(func(e xml.StartElement) (err error) {
			if e.Name.Local == "name" {
				name, err = p.text()
			} else {
				v, err = p.value(depth + 1)
			}
			return err
		})
		out[name] = v
		return err
	})
	return out, err
}
