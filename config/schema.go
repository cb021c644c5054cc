package config

import (
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

// jsonSchema is the part of JSON Schema (draft 2020-12) that is used here.
type jsonSchema struct {
	Schema               string                 `json:"$schema,omitempty"`
	Title                string                 `json:"title,omitempty"`
	Description          string                 `json:"description,omitempty"`
	Ref                  string                 `json:"$ref,omitempty"`
	Type                 string                 `json:"type,omitempty"`
	Enum                 []string               `json:"enum,omitempty"`
	AnyOf                []*jsonSchema          `json:"anyOf,omitempty"`
	Pattern              string                 `json:"pattern,omitempty"`
	Minimum              *int64                 `json:"minimum,omitempty"`
	Maximum              *int64                 `json:"maximum,omitempty"`
	MinLength            int                    `json:"minLength,omitempty"`
	MinItems             int                    `json:"minItems,omitempty"`
	Items                *jsonSchema            `json:"items,omitempty"`
	Required             []string               `json:"required,omitempty"`
	Properties           map[string]*jsonSchema `json:"properties,omitempty"`
	PatternProperties    map[string]*jsonSchema `json:"patternProperties,omitempty"`
	PropertyNames        *jsonSchema            `json:"propertyNames,omitempty"`
	AdditionalProperties json.RawMessage        `json:"additionalProperties,omitempty"`
	Default              json.RawMessage        `json:"default,omitempty"`
	Defs                 map[string]*jsonSchema `json:"$defs,omitempty"`
}

var noMore = json.RawMessage("false")

// Schema is the JSON Schema of a configuration file, for editors; it is what
// docs/taskmaster.schema.json holds. What it accepts [Load] may still refuse
// (an undefined variable, a name that comes twice).
func Schema() []byte {
	program := object(programFields)
	top := &jsonSchema{
		Schema: "https://json-schema.org/draft/2020-12/schema", Title: "taskmaster configuration",
		Type: "object", AdditionalProperties: noMore,
		PatternProperties: map[string]*jsonSchema{"^x-": {}},
		Properties:        map[string]*jsonSchema{},
		AnyOf:             []*jsonSchema{{Required: []string{"programs"}}, {Required: []string{"include"}}},
		Defs:              map[string]*jsonSchema{"program": program},
	}
	for i := range topFields {
		s := &topFields[i]
		sub := schemaSection(s)
		sub.Description = s.doc
		top.Properties[s.name] = sub
	}
	out, err := json.MarshalIndent(top, "", "  ")
	if err != nil { // a value of strings and numbers always can be marshalled
		return nil
	}
	return append(out, '\n')
}

func schemaSection(s *spec) *jsonSchema {
	switch s.name {
	case "daemon":
		return orNull(object(daemonFields))
	case "defaults":
		return orNull(&jsonSchema{Ref: "#/$defs/program"})
	case "hooks":
		hook := object(hookFields)
		hook.AnyOf = []*jsonSchema{{Required: []string{"on", "run"}}, {Required: []string{"<<"}}}
		return orNull(either(hook, &jsonSchema{Type: "array", Items: hook}))
	case "programs":
		program, err := json.Marshal(&jsonSchema{Ref: "#/$defs/program"})
		if err != nil {
			return nil
		}
		names := &jsonSchema{AnyOf: []*jsonSchema{{Pattern: `^(?!all$)[A-Za-z0-9_][A-Za-z0-9_.-]*$`}, {Enum: []string{"<<"}}}}
		return orNull(&jsonSchema{Type: "object", PropertyNames: names, AdditionalProperties: program})
	}
	return orNull(schemaOf(s))
}

// orNull allows a section of which all is commented out.
func orNull(s *jsonSchema) *jsonSchema {
	return &jsonSchema{AnyOf: []*jsonSchema{s, {Type: "null"}}}
}

// object is the schema of a mapping with these fields.
func object[T any](fields []field[T]) *jsonSchema {
	out := &jsonSchema{Type: "object", AdditionalProperties: noMore, Properties: map[string]*jsonSchema{"<<": {}}}
	for i := range fields {
		s := &fields[i].spec
		sub := schemaOf(s)
		sub.Description = s.doc
		sub.Default = defaultJSON(s)
		out.Properties[s.name] = sub
	}
	return out
}

// defaultJSON is the default of a field as JSON, nil when it is no value.
func defaultJSON(s *spec) json.RawMessage {
	var v any
	if strings.HasPrefix(s.def, "<") || yaml.Unmarshal([]byte(s.def), &v) != nil {
		return nil
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return out
}

// schemaOf is the schema of a field's value.
func schemaOf(s *spec) *jsonSchema {
	switch s.kind {
	case kindBool:
		return either(ofType("boolean"), &jsonSchema{Enum: []string{"yes", "no", "on", "off"}})
	case kindInt:
		return &jsonSchema{Type: "integer", Minimum: &s.min, Maximum: &s.max}
	case kindDuration:
		return either(atLeast("number", 0), pattern(`^[0-9]+(\.[0-9]+)?(ms|s|m|h)?$`))
	case kindSize:
		return sizeSchema()
	case kindOctal:
		return either(atLeast("integer", 0), pattern(`^(0o)?[0-7]+$`))
	case kindSignal:
		return either(&jsonSchema{Type: "integer", Minimum: new(int64(signalMin)), Maximum: new(int64(sigMax))}, pattern(`^[A-Za-z][A-Za-z0-9]*([+-][0-9]+)?$|^[0-9]+$`))
	case kindCodes:
		code := &jsonSchema{Type: "integer", Minimum: new(int64(0)), Maximum: new(int64(255))}
		return either(code, &jsonSchema{Type: "array", Items: code})
	case kindRestart:
		return either(ofType("boolean"), &jsonSchema{Enum: []string{"always", "never", "unexpected"}})
	case kindAccount:
		return either(&jsonSchema{Type: "string", MinLength: 1}, atLeast("integer", 0))
	case kindWord:
		return &jsonSchema{Enum: s.words}
	case kindMemoryMax, kindCPUMax, kindPidsMax:
		return maxSchema(s)
	}
	return schemaOfText(s)
}

// maxSchema is schemaOf for the limits of cgroups.
func maxSchema(s *spec) *jsonSchema {
	none := &jsonSchema{Enum: []string{"max", "unlimited"}}
	switch s.kind {
	case kindMemoryMax:
		return either(sizeSchema(), none)
	case kindCPUMax:
		return either(atLeast("number", 0), pattern(`^[0-9]+(\.[0-9]+)?%?$|^[0-9]+ [0-9]+$`), none)
	}
	return either(&jsonSchema{Type: "integer", Minimum: new(int64(1)), Maximum: new(int64(maxPids))}, pattern(`^[0-9]+$`), none)
}

// schemaOfText is schemaOf for what is made of text.
func schemaOfText(s *spec) *jsonSchema {
	path := &jsonSchema{Type: "string", MinLength: 1}
	scalar := either(ofType("string"), ofType("number"), ofType("boolean"))
	switch s.kind {
	case kindText:
		return scalar
	case kindSchedule:
		return pattern(`^ *(@(hourly|daily|midnight|weekly|monthly|yearly|annually)|@every +[0-9hms.]+|none|([^ @]+ +){4}[^ ]+) *$`)
	case kindPaths:
		return either(path, &jsonSchema{Type: "array", Items: path})
	case kindWatch:
		item := either(path, ofType("boolean"))
		return either(ofType("boolean"), path, &jsonSchema{Type: "array", Items: item})
	case kindCommand:
		return either(path, &jsonSchema{Type: "array", Items: scalar, MinItems: 1})
	case kindAddress, kindURL, kindRegexp:
		return path
	case kindReady:
		return either(&jsonSchema{Enum: []string{"notify"}}, object(readyFields))
	case kindHealth:
		return object(healthFields)
	case kindDepends:
		return dependsSchema(path)
	case kindOutput:
		file := object(outputFields)
		file.AnyOf = []*jsonSchema{{Required: []string{"path"}}, {Required: []string{"<<"}}}
		return either(path, file)
	case kindEvents:
		event := &jsonSchema{Enum: eventWords()}
		return either(event, &jsonSchema{Type: "array", Items: event, MinItems: 1})
	case kindGlobs:
		return either(path, &jsonSchema{Type: "array", Items: scalar, MinItems: 1})
	case kindEnv:
		values, err := json.Marshal(scalar)
		if err != nil {
			return nil
		}
		return orNull(&jsonSchema{Type: "object", PropertyNames: pattern(`^[^=]+$`), AdditionalProperties: values})
	case kindLimits:
		return orNull(limitsSchema())
	}
	return path
}

func dependsSchema(name *jsonSchema) *jsonSchema {
	words, err := json.Marshal(&jsonSchema{Enum: conditions})
	if err != nil {
		return nil
	}
	return either(name, &jsonSchema{Type: "array", Items: name}, &jsonSchema{Type: "object", AdditionalProperties: words})
}

func limitsSchema() *jsonSchema {
	out := &jsonSchema{Type: "object", AdditionalProperties: noMore, Properties: map[string]*jsonSchema{"<<": {}}}
	for _, l := range limitTable {
		value := either(atLeast("integer", 0), &jsonSchema{Enum: []string{"unlimited", "infinity"}})
		if l.bytes {
			value = either(sizeSchema(), &jsonSchema{Enum: []string{"unlimited", "infinity"}})
		}
		value.Description = l.doc
		out.Properties[l.name] = value
	}
	return out
}

func sizeSchema() *jsonSchema {
	return either(atLeast("integer", 0), pattern(`^[0-9]+(\.[0-9]+)?([KMGTkmgt]?[Bb]|[KMGTkmgt][Ii][Bb])?$`))
}

func either(list ...*jsonSchema) *jsonSchema { return &jsonSchema{AnyOf: list} }

func ofType(name string) *jsonSchema { return &jsonSchema{Type: name} }

func atLeast(name string, min int64) *jsonSchema { return &jsonSchema{Type: name, Minimum: &min} }

func pattern(p string) *jsonSchema { return &jsonSchema{Type: "string", Pattern: p} }
