package importer

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// What supervisord takes for a boolean.
var (
	truthy = []string{"yes", "true", "on", "1"}
	falsy  = []string{"no", "false", "off", "0"}
)

// bool is an option's value as a boolean.
func (c *converter) bool(o *option, n *names) (value, ok bool) {
	v, ok := c.plain(o, n)
	low := strings.ToLower(v)
	switch {
	case !ok:
	case slices.Contains(truthy, low):
		return true, true
	case slices.Contains(falsy, low):
		return false, true
	default:
		c.fault(o, "not a boolean: "+quoted(v))
	}
	return false, false
}

// isTrue tells whether an option is there, and true.
func (c *converter) isTrue(s *section, key string, n *names) bool {
	o := s.get(key)
	if o == nil {
		return false
	}
	v, _ := c.bool(o, n)
	return v
}

// number is an option's value as a whole number, as Python's int reads it.
func (c *converter) number(o *option, n *names) (int, bool) {
	v, ok := c.plain(o, n)
	if !ok {
		return 0, false
	}
	i, err := strconv.Atoi(strings.TrimPrefix(v, "+"))
	if err != nil || i > math.MaxInt32 || i < math.MinInt32 {
		c.fault(o, "not a whole number: "+quoted(v))
		return 0, false
	}
	return i, true
}

// count is number where less than none means none.
func (c *converter) count(o *option, n *names) (int, bool) {
	v, ok := c.number(o, n)
	return max(v, 0), ok
}

func itoa(i int) string { return strconv.Itoa(i) }

// octal is an option's value as an octal number of at most 0777.
func (c *converter) octal(o *option, n *names) (int, bool) {
	v, ok := c.plain(o, n)
	if !ok {
		return 0, false
	}
	i, err := strconv.ParseUint(strings.TrimPrefix(v, "0o"), 8, 32)
	if err != nil || i > 0o777 {
		c.fault(o, "not an octal number up to 777: "+quoted(v))
		return 0, false
	}
	return int(i), true
}

// Octal numbers are quoted, so that nobody takes them for decimal ones.
func mode(i int) string  { return fmt.Sprintf(`"0%03o"`, i) }
func umask(i int) string { return fmt.Sprintf(`"%03o"`, i) }

var units = []struct {
	name string
	of   int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// bytes is an option's value as a size. Units are powers of 1024 in supervisord.
func (c *converter) bytes(o *option, n *names) (int64, bool) {
	v, ok := c.plain(o, n)
	if !ok {
		return 0, false
	}
	low, unit := strings.ToLower(v), int64(1)
	for _, u := range units {
		if rest, found := strings.CutSuffix(low, strings.ToLower(u.name[:1])+"b"); found {
			low, unit = strings.TrimSpace(rest), u.of
			break
		}
	}
	i, err := strconv.ParseInt(low, 10, 64)
	if err != nil || i > math.MaxInt64/unit {
		c.fault(o, "not a size: "+quoted(v))
		return 0, false
	}
	return max(i, 0) * unit, true
}

// size writes a number of bytes in the largest unit that leaves no rest.
func size(v int64) string {
	for _, u := range units {
		if v > 0 && v%u.of == 0 {
			return strconv.FormatInt(v/u.of, 10) + u.name
		}
	}
	return strconv.FormatInt(v, 10)
}

// bytesOr is a field of ours made of a size, supervisord's default if it is not given.
func (c *converter) bytesOr(s *section, key, def string, n *names, ours string) (*option, string, string) {
	o := s.get(key)
	if o == nil {
		o = &option{key: key, value: def, file: c.main, beside: "supervisord's default"}
	}
	v, ok := c.bytes(o, n)
	if !ok {
		o = &option{}
	}
	return o, ours, size(v)
}

const maxBackups = 1000

// countOr is bytesOr for a number of files.
func (c *converter) countOr(s *section, key, def string, n *names, ours string) (*option, string, string) {
	o := s.get(key)
	if o == nil {
		o = &option{key: key, value: def, file: c.main, beside: "supervisord's default"}
	}
	v, _ := c.count(o, n)
	if v > maxBackups {
		c.remark(o, "at most 1000 here")
	}
	return o, ours, itoa(min(v, maxBackups))
}

// home puts $HOME in for a ~ at the beginning of a path.
func home(path string) string {
	if path == "~" || strings.HasPrefix(path, "~/") {
		return "${HOME}" + path[1:]
	}
	return path
}

// options are those of all sections of supervisord's.
var options = strings.Fields(`file chmod chown username password port serverurl prompt history_file
	logfile logfile_maxbytes logfile_backups loglevel pidfile umask nodaemon silent minfds minprocs nocleanup childlogdir user
	directory strip_ansi environment identifier profile_options files command process_name numprocs numprocs_start priority autostart
	startsecs startretries autorestart exitcodes stopsignal stopwaitsecs stopasgroup killasgroup redirect_stderr
	stdout_logfile stdout_logfile_maxbytes stdout_logfile_backups stdout_capture_maxbytes stdout_events_enabled stdout_syslog
	stderr_logfile stderr_logfile_maxbytes stderr_logfile_backups stderr_capture_maxbytes stderr_events_enabled stderr_syslog
	programs buffer_size events result_handler socket socket_backlog socket_owner socket_mode supervisor.rpcinterface_factory`)

func knownOption(key string) bool { return slices.Contains(options, strings.ToLower(key)) }
