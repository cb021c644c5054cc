package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// parse makes the one document of a file a tree; nil after it reported why not.
func (r *reader) parse(data []byte) *yaml.Node {
	data, ok := r.checkBytes(data)
	if !ok {
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, next yaml.Node
	switch err := decode(dec, &doc); {
	case errors.Is(err, io.EOF) || err == nil && isNull(doc.Content[0]):
		r.report(1, 1, "", "the file is empty: it needs programs")
		return nil
	case err != nil:
		r.syntax(err, string(data))
		return nil
	}
	switch err := decode(dec, &next); {
	case err == nil:
		r.report(next.Line, next.Column, "", "a second document: a configuration is one document")
	case !errors.Is(err, io.EOF):
		r.syntax(err, string(data))
	default:
		return doc.Content[0]
	}
	return nil
}

// decode is Decode, with a panic of the parser made an error.
func decode(dec *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: this cannot be parsed (%v)", p)
		}
	}()
	err = dec.Decode(n)
	if err == nil && len(n.Content) == 0 {
		return io.EOF
	}
	return err
}

// syntax reports an error of the YAML parser, which knows a line at best.
func (r *reader) syntax(err error, data string) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		num, tail, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(num); err == nil {
			line, msg = n, tail
		}
	}
	if parserError(msg) {
		line++
	}
	lines := splitLines(data)
	line = min(line, lastFilled(lines))
	col := indent(lines[line-1])
	if name, ok := unknownAnchor(msg); ok {
		line, col = findAlias(data, name)
		msg = fmt.Sprintf("*%s stands for nothing: there is no &%s before it", name, name)
	}
	r.report(line, col, "", plainSyntax(msg, lines[line-1]))
}

// parserError tells the messages whose line the library counts from 0 from
// those of its scanner, which count from 1.
func parserError(msg string) bool {
	switch msg {
	case "did not find expected alphabetic or numeric character", "did not find expected comment or line break",
		"did not find expected whitespace or line break", "did not find expected whitespace", "did not find expected digit or '.' character",
		"did not find expected version number", "did not find expected tag URI", "did not find the expected '>'", "did not find expected '!'":
		return false
	}
	return strings.HasPrefix(msg, "did not find expected") || msg == "found undefined tag handle"
}

// lastFilled is the number of the last line that is not blank, at least 1.
func lastFilled(lines []string) int {
	n := len(lines)
	for n > 1 && strings.TrimSpace(lines[n-1]) == "" {
		n--
	}
	return n
}

// plainSyntax is the parser's message as a person would say it.
func plainSyntax(msg, line string) string {
	switch {
	case strings.HasPrefix(strings.TrimLeft(line, " "), "\t") && strings.HasPrefix(msg, "found character that cannot start"):
		return "a tab in the indentation: YAML wants spaces"
	case strings.HasPrefix(msg, "exceeded max depth"):
		return "nested too deeply"
	case msg == "mapping values are not allowed in this context":
		return "a \": \" where no key can be: check the indentation, or quote the text"
	case msg == "found unexpected end of stream":
		return "a quote that is never closed"
	}
	if strings.HasPrefix(msg, "*") {
		return msg
	}
	return "not valid YAML: " + strings.TrimSuffix(msg, " context")
}

// unknownAnchor takes the name out of the message for an alias without an anchor.
func unknownAnchor(msg string) (string, bool) {
	rest, ok := strings.CutPrefix(msg, "unknown anchor '")
	name, _, ok2 := strings.Cut(rest, "'")
	return name, ok && ok2
}

// findAlias is the place of the first alias of that name; the library does not say it.
func findAlias(data, name string) (line, col int) {
	for from := 0; ; {
		i := strings.Index(data[from:], "*"+name)
		if i < 0 {
			return 1, 1
		}
		i += from
		end := i + 1 + len(name)
		if (i == 0 || strings.IndexByte(" \t\n\r[{,", data[i-1]) >= 0) && (end == len(data) || strings.IndexByte(" \t\n\r]},", data[end]) >= 0) {
			return lineCol(data, i)
		}
		from = end
	}
}
