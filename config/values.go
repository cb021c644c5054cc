package config

import (
	"slices"
	"time"

	"gopkg.in/yaml.v3"

	"taskmaster/process"
)

// The methods below read one value each into *to, which stays as it is when
// the value is at fault.

func (a at) bool(n *yaml.Node, to *bool) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if v, ok := parseBool(s); ok {
		*to = v
	} else {
		a.reject(n)
	}
}

// int also tells whether there was a number.
func (a at) int(n *yaml.Node, to *int) bool {
	s, ok := a.scalar(n)
	if !ok {
		return false
	}
	v, ok := parseInt(s)
	if !ok || v < a.spec.min || v > a.spec.max {
		a.reject(n)
		return false
	}
	*to = int(v)
	return true
}

func (a at) optionalInt(n *yaml.Node, to **int) {
	if v := 0; a.int(n, &v) {
		*to = &v
	}
}

func (a at) duration(n *yaml.Node, to *time.Duration) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if v, ok := parseDuration(s); ok && v >= time.Duration(a.spec.min) {
		*to = v
	} else {
		a.reject(n)
	}
}

func (a at) size(n *yaml.Node, to *int64) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if v, ok := parseSize(s); ok {
		*to = v
	} else {
		a.reject(n)
	}
}

// octal reads an octal number of at most spec.max.
func (a at) octal(n *yaml.Node, set func(int64)) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if v, ok := parseOctal(s); ok && v <= a.spec.max {
		set(v)
	} else {
		a.reject(n)
	}
}

func (a at) signal(n *yaml.Node, to *int) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if v, ok := ParseSignal(s); ok {
		*to = v
	} else {
		a.reject(n)
	}
}

// word reads one of spec.words; its index goes to set.
func (a at) word(n *yaml.Node, set func(int)) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if i := slices.Index(a.spec.words, s); i >= 0 {
		set(i)
	} else {
		a.reject(n)
	}
}

// pathText reads a path that is not empty.
func (a at) pathText(n *yaml.Node) (string, bool) {
	s, ok := a.words(n)
	if ok && s == "" {
		a.fail(n, "is empty")
		return "", false
	}
	return s, ok
}

// paths reads a path or a list of them, made absolute.
func (a at) paths(n *yaml.Node, to *[]string) {
	var out []string
	for _, item := range a.list(n) {
		s, ok := a.pathText(item)
		if !ok {
			return
		}
		out = append(out, a.r.src.absolute(s))
	}
	*to = out
}

func (a at) codes(n *yaml.Node, to *process.ExitCodes) {
	var codes []int
	for _, item := range a.list(n) {
		s, ok := a.scalar(item)
		if !ok {
			return
		}
		v, ok := parseInt(s)
		if !ok || v < 0 || v > 255 {
			a.reject(item)
			return
		}
		codes = append(codes, int(v))
	}
	*to = process.Codes(codes...)
}

func (a at) restart(n *yaml.Node, to *process.Restart) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	yes, isBool := parseBool(s)
	switch {
	case s == "always" || isBool && yes:
		*to = process.RestartAlways
	case s == "never" || isBool:
		*to = process.RestartNever
	case s == "unexpected":
		*to = process.RestartUnexpected
	default:
		a.reject(n)
	}
}

// account reads the name or number of a user or group; whether there is one
// is looked up at each start.
func (a at) account(n *yaml.Node, to *string) {
	s, ok := a.scalar(n)
	if !ok {
		return
	}
	if v, isInt := parseInt(s); s == "" || isInt && (v < 0 || v >= 1<<32-1) {
		a.reject(n)
		return
	}
	*to = s
}
