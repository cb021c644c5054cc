package xmlrpc

import (
	"reflect"
	"strings"
	"testing"
)

func call(params string) string {
	return `<?xml version='1.0'?><methodCall><methodName>a.b</methodName><params>` + params + `</params></methodCall>`
}

func TestParseCall(t *testing.T) {
	for params, want := range map[string][]any{
		"": {},
		"<param><value><string>x &lt; y</string></value></param>":                                                             {"x < y"},
		"<param><value>plain</value></param>":                                                                                 {"plain"},
		"<param><value></value></param>":                                                                                      {""},
		"<param><value><string/></value></param>":                                                                             {""},
		"<param> <value> <int> -7 </int> </value> </param><param><value><boolean>1</boolean></value></param>":                 {-7, true},
		"<param><value><i4>3</i4></value></param><param><value><double>1.5</double></value></param>":                          {3, 1.5},
		"<param><value><base64>AP8=</base64></value></param>":                                                                 {[]byte{0, 255}},
		"<param><value><nil/></value></param>":                                                                                {nil},
		"<param><value><array><data><value>a</value><value><int>1</int></value></data></array></value></param>":               {[]any{"a", 1}},
		"<param><value><array><data/></array></value></param>":                                                                {[]any{}},
		"<param><value><struct><member><name>k</name><value>v</value></member></struct></value></param>":                      {map[string]any{"k": "v"}},
		"<param><value><string>a<![CDATA[<b>]]>&#228;</string></value></param><!-- c -->":                                     {"a<b>ä"},
		"<param><value><dateTime.iso8601>20260102T03:04:05</dateTime.iso8601></value></param>":                                {"20260102T03:04:05"},
		"<param><value><struct><member><name>a</name><value><array><data/></array></value></member></struct></value></param>": {map[string]any{"a": []any{}}},
	} {
		got, err := ParseCall([]byte(call(params)))
		if err != nil || got.Method != "a.b" || !reflect.DeepEqual(got.Params, want) {
			t.Errorf("%s: %+v, %v", params, got, err)
		}
	}
	if got, err := ParseCall([]byte("<methodCall><methodName> a.b </methodName></methodCall>")); err != nil || got.Method != "a.b" || len(got.Params) != 0 {
		t.Errorf("no params: %+v, %v", got, err)
	}
}

func TestParseCallRefuses(t *testing.T) {
	bomb := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>` + call("<param><value>&b;</value></param>")
	deep := strings.Repeat("<value><array><data>", 1000)
	for name, document := range map[string]string{
		"nothing":        "",
		"no XML":         "hello",
		"cut":            call("<param><value>")[:80],
		"other root":     "<methodResponse/>",
		"no method":      "<methodCall><params/></methodCall>",
		"no number":      call("<param><value><int>x</int></value></param>"),
		"huge number":    call("<param><value><int>99999999999999999999</int></value></param>"),
		"no base64":      call("<param><value><base64>*</base64></value></param>"),
		"unknown type":   call("<param><value><object>1</object></value></param>"),
		"element inside": call("<param><value><string><b/></string></value></param>"),
		"entities":       bomb,
		"deep":           call("<param>" + deep),
		"many":           call("<param><value><array><data>" + strings.Repeat("<value/>", maxValues+1) + "</data></array></value></param>"),
		"latin1":         `<?xml version="1.0" encoding="iso-8859-1"?>` + call("")[21:],
	} {
		if got, err := ParseCall([]byte(document)); err == nil {
			t.Errorf("%s was taken for %+v", name, got)
		}
	}
}

func TestResponse(t *testing.T) {
	for want, v := range map[string]any{
		"<string>&lt;a&gt; &amp; ä</string>": "<a> & ä",
		"<string>\uFFFD\uFFFD</string>":      "\x00\xff",
		"<int>-3</int>":                      -3,
		"<i8>4294967296</i8>":                1 << 32,
		"<boolean>1</boolean>":               true,
		"<boolean>0</boolean>":               false,
		"<double>1.5</double>":               1.5,
		"<base64>AP8=</base64>":              []byte{0, 255},
		"<nil/>":                             nil,
		"<array><data>\n<value><int>1</int></value>\n</data></array>":                                 []any{1},
		"<struct>\n<member>\n<name>a</name>\n<value><string>b</string></value>\n</member>\n</struct>": map[string]any{"a": "b"},
	} {
		got := string(Response(v, nil))
		if got != header+"<params>\n<param>\n<value>"+want+"</value>\n</param>\n</params>\n</methodResponse>\n" {
			t.Errorf("%v: %s", v, got)
		}
	}
	got := string(Response(nil, &Fault{10, "BAD_NAME: x"}))
	if !strings.Contains(got, "<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>10</int></value>") || strings.Contains(got, "params") {
		t.Error(got)
	}
}

func FuzzParseCall(f *testing.F) {
	f.Add([]byte(call("<param><value><array><data><value>a</value></data></array></value></param>")))
	f.Fuzz(func(t *testing.T, document []byte) {
		c, err := ParseCall(document)
		if err == nil && c.Method == "" {
			t.Error("a call without a method")
		}
		if err == nil {
			Response(c.Params, nil)
		}
	})
}
