package config

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxEnvFile is the size past which an env_file is refused, in bytes.
const maxEnvFile = 1 << 20

// readEnvFile reads KEY=VALUE lines. Blank lines and those that begin with #
// are skipped, export before the name too, blanks around name and value, and
// one pair of quotes around a value. Nothing is put in for ${…}. An error names
// the file, and the line, but no value.
func readEnvFile(path string) ([]Var, error) {
	data, err := readFile(path, maxEnvFile)
	if err != nil {
		return nil, err
	}
	var vars []Var
	rest, line := strings.TrimPrefix(string(data), bom), ""
	for n := 1; rest != ""; n++ {
		line, rest, _ = strings.Cut(rest, "\n")
		v, why := envLine(line)
		if why != "" {
			return nil, fmt.Errorf("%s:%d: %s", path, n, why)
		}
		if v.Name != "" {
			vars = append(vars, v)
		}
	}
	return vars, nil
}

// envLine reads one line; a name of "" is a line that says nothing.
func envLine(line string) (v Var, why string) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return Var{}, ""
	}
	name, value, ok := strings.Cut(line, "=")
	if rest, exported := strings.CutPrefix(name, "export "); exported {
		name = rest
	}
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case !ok:
		return Var{}, "no = in this line"
	case name == "":
		return Var{}, "no name before the ="
	case hasNUL(line):
		return Var{}, "a NUL byte"
	case !utf8.ValidString(name) || strings.ContainsAny(name, " \t"):
		return Var{}, strconv.Quote(name) + " cannot be the name of a variable"
	}
	return Var{name, unquote(value)}, ""
}

// unquote takes one pair of quotes off.
func unquote(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}
