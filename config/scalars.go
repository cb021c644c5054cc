package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// parseInt is a decimal whole number. A leading zero (octal in YAML 1.1, not
// in 1.2), 0x10, 1_000 and 1e3 are refused rather than guessed at.
func parseInt(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	if !allOf(digits, "0123456789") || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// parseFloat is a decimal number, perhaps with a fraction or exponent, not negative.
func parseFloat(s string) (float64, bool) {
	if !allOf(s, "0123456789.eE+-") || len(s) > 1 && s[0] == '0' && s[1] >= '0' && s[1] <= '9' {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && f >= 0 && !math.Signbit(f)
}

func allOf(s, set string) bool {
	return s != "" && strings.Trim(s, set) == ""
}

// maxDuration is the longest duration that is accepted, in seconds: a hundred
// years, so that twice of it, from any time on, is still a time.Duration.
const maxDuration = 100 * 365 * 24 * 3600

// parseDuration is a number of seconds, or one with the unit ms, s, m or h.
func parseDuration(s string) (time.Duration, bool) {
	unit := time.Second
	num := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz")
	switch s[len(num):] {
	case "", "s":
	case "ms":
		unit = time.Millisecond
	case "m":
		unit = time.Minute
	case "h":
		unit = time.Hour
	default:
		return 0, false
	}
	f, ok := parseFloat(num)
	if !ok || f*unit.Seconds() > maxDuration {
		return 0, false
	}
	return time.Duration(math.Round(f * float64(unit))), true
}

// maxSize is the largest size that is accepted, in bytes (a pebibyte).
const maxSize = 1 << 50

// parseSize is a number of bytes, or one with a unit: B, KB, MB, GB, TB are
// powers of 1000, KiB, MiB, GiB, TiB of 1024, in any case.
func parseSize(s string) (int64, bool) {
	num := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
	unit, ok := sizeUnit(strings.ToLower(s[len(num):]))
	f, ok2 := parseFloat(num)
	if !ok || !ok2 || f*unit > maxSize {
		return 0, false
	}
	n := f * unit
	return int64(n), n == math.Trunc(n)
}

func sizeUnit(name string) (float64, bool) {
	switch name {
	case "", "b":
		return 1, true
	case "kb":
		return 1e3, true
	case "mb":
		return 1e6, true
	case "gb":
		return 1e9, true
	case "tb":
		return 1e12, true
	case "kib":
		return 1 << 10, true
	case "mib":
		return 1 << 20, true
	case "gib":
		return 1 << 30, true
	case "tib":
		return 1 << 40, true
	}
	return 0, false
}

// parseOctal is octal by its digits, whatever YAML makes of them: 022, 0o22 and 22 alike.
func parseOctal(s string) (int64, bool) {
	digits := strings.TrimPrefix(s, "0o")
	if !allOf(digits, "01234567") {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 8, 64)
	return n, err == nil
}

// parseBool is a boolean in any of YAML's spellings, 1.1 and 1.2, any case:
// where a boolean is wanted they can mean nothing else.
func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "yes", "on", "y":
		return true, true
	case "false", "no", "off", "n":
		return false, true
	}
	return false, false
}

// Real-time signals as glibc numbers them: 32 and 33 are its own (signal(7)).
const (
	sigRTMin  = 34
	sigMax    = 64
	signalMin = 1
)

// ParseSignal is a signal by its name, with or without SIG, in any case, by
// RTMIN+n or RTMAX-n, or by its number, 1 to 64.
func ParseSignal(s string) (int, bool) {
	if n, ok := parseInt(s); ok {
		return int(n), n >= signalMin && n <= sigMax
	}
	name := strings.TrimPrefix(strings.ToUpper(s), "SIG")
	switch name {
	case "RTMIN":
		return sigRTMin, true
	case "RTMAX":
		return sigMax, true
	case "IOT":
		return int(unix.SIGABRT), true
	case "CLD":
		return int(unix.SIGCHLD), true
	case "POLL":
		return int(unix.SIGIO), true
	}
	if up, ok := strings.CutPrefix(name, "RTMIN+"); ok {
		n, ok := parseInt(up)
		return sigRTMin + int(n), ok && n >= 0 && n <= sigMax-sigRTMin
	}
	if down, ok := strings.CutPrefix(name, "RTMAX-"); ok {
		n, ok := parseInt(down)
		return sigMax - int(n), ok && n >= 0 && n <= sigMax-sigRTMin
	}
	n := int(unix.SignalNum("SIG" + name))
	return n, n != 0
}

// hasWord tells whether word is one of those in list, space separated.
func hasWord(list, word string) bool {
	for rest := list; rest != ""; {
		var w string
		if w, rest, _ = strings.Cut(rest, " "); w == word {
			return true
		}
	}
	return false
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }
