package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fieldFaults are fields of a program, each on line 3 from column 5, and the
// faults as LINE:COL: message.
var fieldFaults = []struct{ field, want string }{
	{"numprocs: many", `3:15: a: numprocs: must be a whole number from 1 to 10000, not "many"`},
	{"numprocs: 0", "3:15: a: numprocs: must be a whole number from 1 to 10000, not 0"},
	{"numprocs: -1", "3:15: a: numprocs: must be a whole number from 1 to 10000, not -1"},
	{"numprocs: 1.5", "3:15: a: numprocs: must be a whole number from 1 to 10000, not 1.5"},
	{"numprocs: 1000000000", "3:15: a: numprocs: must be a whole number from 1 to 10000, not 1000000000"},
	{"numprocs: [1]", "3:15: a: numprocs: must be a whole number from 1 to 10000, not a list"},
	{"numprocs: 0x10", "3:15: a: numprocs: must be a whole number from 1 to 10000, not 0x10"},
	{"numprocs: 1_000", "3:15: a: numprocs: must be a whole number from 1 to 10000, not 1_000"},
	{"numprocs: 1e3", "3:15: a: numprocs: must be a whole number from 1 to 10000, not 1e3"},
	{"numprocs: 010", "3:15: a: numprocs: must be a whole number from 1 to 10000, not 010"},
	{"numprocs:", "3:5: a: numprocs: has no value: it must be a whole number from 1 to 10000"},
	{"numprocs: ~", "3:15: a: numprocs: has no value: it must be a whole number from 1 to 10000"},
	{"numprocs: 99999999999999999999", "3:15: a: numprocs: must be a whole number from 1 to 10000, not 99999999999999999999"},
	{"starttime: -1", "3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not -1"},
	{"starttime: soon", `3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "soon"`},
	{"starttime: .inf", "3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not .inf"},
	{"starttime: inf", `3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "inf"`},
	{"starttime: .nan", "3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not .nan"},
	{"starttime: NaN", `3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "NaN"`},
	{"starttime: 1e30", "3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not 1e30"},
	{"starttime: 0x10", "3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not 0x10"},
	{"starttime: -0", "3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not -0"},
	{"starttime: ''", `3:16: a: starttime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not ""`},
	{"stoptime: 5 parsecs", `3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "5 parsecs"`},
	{"stoptime: -2s", `3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "-2s"`},
	{"stoptime: 1:30", `3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "1:30"`},
	{"stoptime: 12:30:00", `3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "12:30:00"`},
	{"stoptime: 05", "3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not 05"},
	{"stoptime: 1h30m", `3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "1h30m"`},
	{"stoptime: 5S", `3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "5S"`},
	{"stoptime: 876001h", `3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "876001h"`},
	{"stoptime: 1e", `3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "1e"`},
	{"stoptime: [5]", "3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not a list"},
	{"stoptime: {s: 5}", "3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not a mapping"},
	{"stoptime: true", `3:15: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "true"`},
	{"exitcodes: [300]", "3:17: a: exitcodes: must be an exit code from 0 to 255 or a list of them, not 300"},
	{"exitcodes: -1", "3:16: a: exitcodes: must be an exit code from 0 to 255 or a list of them, not -1"},
	{"exitcodes: [a]", `3:17: a: exitcodes: must be an exit code from 0 to 255 or a list of them, not "a"`},
	{"exitcodes: {}", "3:16: a: exitcodes: must be an exit code from 0 to 255 or a list of them, not a mapping"},
	{"exitcodes: [[0]]", "3:17: a: exitcodes: must be an exit code from 0 to 255 or a list of them, not a list"},
	{"exitcodes: [0, 1, 256]", "3:23: a: exitcodes: must be an exit code from 0 to 255 or a list of them, not 256"},
	{"exitcodes: null", "3:16: a: exitcodes: has no value: it must be an exit code from 0 to 255 or a list of them"},
	{"exitcodes: 0x1", "3:16: a: exitcodes: must be an exit code from 0 to 255 or a list of them, not 0x1"},
	{"startretries: -2", "3:19: a: startretries: must be a whole number from -1 to 2147483647, not -2"},
	{"startretries: x", `3:19: a: startretries: must be a whole number from -1 to 2147483647, not "x"`},
	{"startretries: 2147483648", "3:19: a: startretries: must be a whole number from -1 to 2147483647, not 2147483648"},
	{"autostart: maybe", `3:16: a: autostart: must be true or false, not "maybe"`},
	{"autostart: 1", "3:16: a: autostart: must be true or false, not 1"},
	{"autostart: ''", `3:16: a: autostart: must be true or false, not ""`},
	{"autorestart: sometimes", `3:18: a: autorestart: must be always, never, unexpected, true or false, not "sometimes"`},
	{"autorestart: 1", "3:18: a: autorestart: must be always, never, unexpected, true or false, not 1"},
	{"autorestart: Always", `3:18: a: autorestart: must be always, never, unexpected, true or false, not "Always"`},
	{"autorestart: [always]", "3:18: a: autorestart: must be always, never, unexpected, true or false, not a list"},
	{"killmode: all", `3:15: a: killmode: must be tree, group or process, not "all"`},
	{"killmode: Tree", `3:15: a: killmode: must be tree, group or process, not "Tree"`},
	{"killmode: 1", "3:15: a: killmode: must be tree, group or process, not 1"},
	{"env: [A, B]", "3:10: a: env: must be a mapping, not a list"},
	{"env: text", "3:10: a: env: must be a mapping, not text"},
	{"env: {A: [1]}", "3:14: a: env.A: must be text, not a list"},
	{"env: {A: {B: 1}}", "3:14: a: env.A: must be text, not a mapping"},
	{"env: {A: ~}", `3:14: a: env.A: has no value (an empty one is written "")`},
	{"env: {A: null}", `3:14: a: env.A: has no value (an empty one is written "")`},
	{"env: {A}", `3:11: a: env.A: has no value (an empty one is written "")`},
	{"env: {'': x}", `3:11: a: env: "" cannot be the name of a variable`},
	{"env: {A=B: x}", `3:11: a: env: "A=" cannot be the name of a variable`},
	{`env: {"A\0": x}`, `3:11: a: env: "A\x00" cannot be the name of a variable`},
	{`env: {A: "x\0y"}`, "3:14: a: env.A: holds a NUL byte"},
	{"env: {A: 1, A: 2}", `3:17: "A" comes twice (first on line 3)`},
	{"env: {A: sekret, A: sekret2}", `3:22: "A" comes twice (first on line 3)`},
	{"env: {A: '${NOPE}'}", "3:14: a: env.A: ${NOPE} is not defined"},
	{"env: {A: '${B}', B: '${A}'}", "3:14: a: env.A: ${A} is defined by itself, through other variables\n3:25: a: env.B: ${A} is defined by itself, through other variables"},
	{"env: {A: '${A}'}", "3:14: a: env.A: ${A} is not defined"},
	{"env: {[a]: b}", "3:11: a key must be text, not a list"},
	{"workingdir: [x]", "3:17: a: workingdir: must be a path, not a list"},
	{"workingdir: ''", "3:17: a: workingdir: is empty"},
	{"workingdir: 5", "3:17: a: workingdir: must be a path, not 5 (quote it if it is one)"},
	{`workingdir: "a\0b"`, "3:17: a: workingdir: holds a NUL byte"},
	{"workingdir: '${NOPE}/x'", "3:17: a: workingdir: ${NOPE} is not defined"},
	{"nice: 99", "3:11: a: nice: must be a whole number from -20 to 19, not 99"},
	{"nice: x", `3:11: a: nice: must be a whole number from -20 to 19, not "x"`},
	{"nice: -21", "3:11: a: nice: must be a whole number from -20 to 19, not -21"},
	{"oom_score_adj: 5000", "3:20: a: oom_score_adj: must be a whole number from -1000 to 1000, not 5000"},
	{"memory_max: 64 MiB", `3:17: a: memory_max: must be a size such as 64MiB (at least 4096), or max, not "64 MiB"`},
	{"memory_max: 0", "3:17: a: memory_max: must be a size such as 64MiB (at least 4096), or max, not 0"},
	{"memory_max: 4KB", `3:17: a: memory_max: must be a size such as 64MiB (at least 4096), or max, not "4KB"`},
	{"memory_max: -1", "3:17: a: memory_max: must be a size such as 64MiB (at least 4096), or max, not -1"},
	{"memory_max: {}", "3:17: a: memory_max: must be a size such as 64MiB (at least 4096), or max, not a mapping"},
	{"memory_max:", "3:5: a: memory_max: has no value: it must be a size such as 64MiB (at least 4096), or max"},
	{"cpu_max: 0", "3:14: a: cpu_max: must be a number of cores such as 0.5 (at least 0.01), a percentage of one such as 50%, microseconds and their period such as 50000 100000, or max, not 0"},
	{"cpu_max: 50 %", `3:14: a: cpu_max: must be a number of cores such as 0.5 (at least 0.01), a percentage of one such as 50%, microseconds and their period such as 50000 100000, or max, not "50 %"`},
	{"cpu_max: 50000 10", `3:14: a: cpu_max: must be a number of cores such as 0.5 (at least 0.01), a percentage of one such as 50%, microseconds and their period such as 50000 100000, or max, not "50000 10"`},
	{"cpu_max: max 100000", `3:14: a: cpu_max: must be a number of cores such as 0.5 (at least 0.01), a percentage of one such as 50%, microseconds and their period such as 50000 100000, or max, not "max 100000"`},
	{"cpu_max: 1e9", "3:14: a: cpu_max: must be a number of cores such as 0.5 (at least 0.01), a percentage of one such as 50%, microseconds and their period such as 50000 100000, or max, not 1e9"},
	{"pids_max: 0", "3:15: a: pids_max: must be a whole number from 1 to 4194304, or max, not 0"},
	{"pids_max: 5000000", "3:15: a: pids_max: must be a whole number from 1 to 4194304, or max, not 5000000"},
	{"pids_max: [1]", "3:15: a: pids_max: must be a whole number from 1 to 4194304, or max, not a list"},
	{"limits: {nofile: many}", `3:22: a: limits.nofile: must be a whole number or unlimited, not "many"`},
	{"limits: {nofile: -1}", "3:22: a: limits.nofile: must be a whole number or unlimited, not -1"},
	{"limits: {nofile: 10MiB}", `3:22: a: limits.nofile: must be a whole number or unlimited, not "10MiB"`},
	{"limits: {nofiles: 3}", `3:14: a: limits: unknown limit "nofiles" (did you mean "nofile"?)`},
	{"limits: {zzz: 3}", `3:14: a: limits: unknown limit "zzz"`},
	{"limits: {core: [0]}", "3:20: a: limits.core: must be a whole number, a size such as 64MiB, or unlimited, not a list"},
	{"limits: [nofile]", "3:13: a: limits: must be a mapping, not a list"},
	{"limits: {NOFILE: 3}", `3:14: a: limits: unknown limit "NOFILE" (did you mean "nofile"?)`},
	{"stdout: {maxbytes: 3}", "3:13: a: stdout: path is missing"},
	{"stdout: {}", "3:13: a: stdout: path is missing"},
	{"stdout: [x]", "3:13: a: stdout: must be a path, capture, none, inherit or a mapping with path, not a list"},
	{"stdout: ''", "3:13: a: stdout: is empty"},
	{"stdout: ~", "3:13: a: stdout: has no value: it must be a path, capture, none, inherit or a mapping with path"},
	{"stdout: true", `3:13: a: stdout: must be a path, capture, none, inherit or a mapping with path, not "true" (quote it if it is one)`},
	{"stdout: 5", "3:13: a: stdout: must be a path, capture, none, inherit or a mapping with path, not 5 (quote it if it is one)"},
	{"stdout: {path: x, maxbytes: lots}", `3:33: a: stdout.maxbytes: must be a size such as 4096, 512KiB, 10MB or 10MiB, not "lots"`},
	{"stdout: {path: x, maxbytes: 10M}", `3:33: a: stdout.maxbytes: must be a size such as 4096, 512KiB, 10MB or 10MiB, not "10M"`},
	{"stdout: {path: x, maxbytes: -1}", "3:33: a: stdout.maxbytes: must be a size such as 4096, 512KiB, 10MB or 10MiB, not -1"},
	{"stdout: {path: x, maxbytes: 1.5}", "3:33: a: stdout.maxbytes: must be a size such as 4096, 512KiB, 10MB or 10MiB, not 1.5"},
	{"stdout: {path: x, maxbytes: 2048TiB}", `3:33: a: stdout.maxbytes: must be a size such as 4096, 512KiB, 10MB or 10MiB, not "2048TiB"`},
	{"stdout: {path: x, maxbyte: 3}", `3:23: a: stdout: unknown key "maxbyte" (did you mean "maxbytes"?)`},
	{"stdout: {path: x, backups: -1}", "3:32: a: stdout.backups: must be a whole number from 0 to 1000, not -1"},
	{"stdout: {path: x, backups: 1001}", "3:32: a: stdout.backups: must be a whole number from 0 to 1000, not 1001"},
	{"stdout: {path: x, compress: 2}", "3:33: a: stdout.compress: must be true or false, not 2"},
	{"stdout: {path: x, mode: 888}", `3:29: a: stdout.mode: must be an octal number such as "0600", at most 0777, not 888`},
	{"stdout: {path: x, mode: '01000'}", `3:29: a: stdout.mode: must be an octal number such as "0600", at most 0777, not "01000"`},
	{`stdout: {path: x, prefix: "a\nb"}`, "3:31: a: stdout.prefix: must be within one line"},
	{"stdout: {path: x, prefix: [a]}", "3:31: a: stdout.prefix: must be text, not a list"},
	{"stdout: {path: none, maxbytes: 5}", "3:26: a: stdout.maxbytes: only a file has it"},
	{"stdout: {path: capture, timestamp: true}", "3:29: a: stdout.timestamp: only a file and inherit have it"},
	{"stdout: {path: inherit, backups: 5}", "3:29: a: stdout.backups: only a file has it"},
	{"stdout: {path: [x]}", "3:20: a: stdout.path: must be a path, not a list"},
	{"stdout: {path: x, path: y}", `3:23: "path" comes twice (first on line 3)`},
	{"stdout: '${NOPE}/a.log'", "3:13: a: stdout: ${NOPE} is not defined"},
	{"stdout: 'a${'", "3:13: a: stdout: a ${ without a } (a literal ${ is written $${)"},
	{"stderr: {path: x, prefix: '${NOPE}'}", "3:13: a: stderr: ${NOPE} is not defined"},
	{"tty: maybe", `3:10: a: tty: must be true or false, not "maybe"`},
	{"tty: [true]", "3:10: a: tty: must be true or false, not a list"},
	{"tty:", "3:5: a: tty: has no value: it must be true or false"},
	{"umask: 8", "3:12: a: umask: must be an octal number such as 022, at most 0777, not 8"},
	{"umask: 09", "3:12: a: umask: must be an octal number such as 022, at most 0777, not 09"},
	{"umask: '888'", `3:12: a: umask: must be an octal number such as 022, at most 0777, not "888"`},
	{"umask: -1", "3:12: a: umask: must be an octal number such as 022, at most 0777, not -1"},
	{"umask: 01000", "3:12: a: umask: must be an octal number such as 022, at most 0777, not 01000"},
	{"umask: 1e1", "3:12: a: umask: must be an octal number such as 022, at most 0777, not 1e1"},
	{"umask: x", `3:12: a: umask: must be an octal number such as 022, at most 0777, not "x"`},
	{"umask: [2]", "3:12: a: umask: must be an octal number such as 022, at most 0777, not a list"},
	{"umask: 0x1", "3:12: a: umask: must be an octal number such as 022, at most 0777, not 0x1"},
	{"umask: ''", `3:12: a: umask: must be an octal number such as 022, at most 0777, not ""`},
	{"user: ''", `3:11: a: user: must be a name or a number, not ""`},
	{"user: [root]", "3:11: a: user: must be a name or a number, not a list"},
	{"user: -1", "3:11: a: user: must be a name or a number, not -1"},
	{"user: 4294967295", "3:11: a: user: must be a name or a number, not 4294967295"},
	{"group: {}", "3:12: a: group: must be a name or a number, not a mapping"},
	{"stopsignal: FOO", `3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not "FOO"`},
	{"stopsignal: 0", "3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not 0"},
	{"stopsignal: 99", "3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not 99"},
	{"stopsignal: -9", "3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not -9"},
	{"stopsignal: KIL", `3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not "KIL"`},
	{"stopsignal: ''", `3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not ""`},
	{"stopsignal: [TERM]", "3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not a list"},
	{"stopsignal: RTMIN+31", `3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not "RTMIN+31"`},
	{"stopsignal: RTMAX-99", `3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not "RTMAX-99"`},
	{"stopsignal: SIGSIGTERM", `3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not "SIGSIGTERM"`},
	{"stopsignal: 1.0", "3:17: a: stopsignal: must be a signal such as TERM, SIGTERM or 15, not 1.0"},
	{"reloadsignal: NOPE", `3:19: a: reloadsignal: must be a signal such as TERM, SIGTERM or 15, not "NOPE"`},
	{"reloadsignal: ~", "3:19: a: reloadsignal: has no value: it must be a signal such as TERM, SIGTERM or 15"},
	{"backoff: -1", "3:14: a: backoff: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, at least 1ms, not -1"},
	{"backoff: 0", "3:14: a: backoff: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, at least 1ms, not 0"},
	{"backoff: 0.5ms", `3:14: a: backoff: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, at least 1ms, not "0.5ms"`},
	{"backoffmax: never", `3:17: a: backoffmax: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, at least 1ms, not "never"`},
	{"oneshot: 7", "3:14: a: oneshot: must be true or false, not 7"},
	{"oneshot: [true]", "3:14: a: oneshot: must be true or false, not a list"},
	{"env_file: {a: b}", "3:15: a: env_file: must be a path or a list of paths, not a mapping"},
	{"env_file: [a, [b]]", "3:19: a: env_file: must be a path or a list of paths, not a list"},
	{"env_file: ''", "3:15: a: env_file: is empty"},
	{"env_file: [~]", "3:16: a: env_file: has no value: it must be a path or a list of paths"},
	{"cmd: again", `3:5: "cmd" comes twice (first on line 2)`},
	{"Cmd: x", `3:5: a: unknown key "Cmd" (did you mean "cmd"?)`},
	{"numproc: 2", `3:5: a: unknown key "numproc" (did you mean "numprocs"?)`},
	{"stop_time: 3", `3:5: a: unknown key "stop_time" (did you mean "stoptime"?)`},
	{"command: x", `3:5: a: unknown key "command" (did you mean "cmd"?)`},
	{"directory: /x", `3:5: a: unknown key "directory" (did you mean "workingdir"?)`},
	{"startsecs: 3", `3:5: a: unknown key "startsecs" (did you mean "starttime"?)`},
	{"stdout_logfile: x", `3:5: a: unknown key "stdout_logfile" (did you mean "stdout"?)`},
	{"depends_on: [x]", `3:5: a: unknown key "depends_on"`},
	{"5: x", `3:5: a: unknown key "5"`},
	{"? [a]", "3:7: a key must be text, not a list"},
	{"'': x", `3:5: a: unknown key ""`},
	{"nope: !!binary aGk=", "3:5: a: unknown key \"nope\" (did you mean \"nice\"?)\n3:11: unknown tag !!binary"},
	{"nope: !foo x", "3:5: a: unknown key \"nope\" (did you mean \"nice\"?)\n3:11: unknown tag !foo"},
	{"autostart: !bool true", "3:16: unknown tag !bool"},
}

// fileFaults are whole files; DIR is their directory.
var fileFaults = []struct{ raw, want string }{
	{"", "1:1: the file is empty: it needs programs"},
	{"\n\n", "1:1: the file is empty: it needs programs"},
	{"# nothing\n", "1:1: the file is empty: it needs programs"},
	{"---\n", "1:1: the file is empty: it needs programs"},
	{"~\n", "1:1: the file is empty: it needs programs"},
	{"null\n", "1:1: the file is empty: it needs programs"},
	{"\ufeff", "1:1: the file is empty: it needs programs"},
	{"text\n", `1:1: must be a mapping, not "text"`},
	{"- a\n", "1:1: must be a mapping, not a list"},
	{"5\n", "1:1: must be a mapping, not 5"},
	{"{}\n", "1:1: programs is missing"},
	{"daemon: {}\n", "1:1: programs is missing"},
	{"programs:\n  - a\n", "2:3: programs: must be a mapping, not a list"},
	{"programs: text\n", `1:11: programs: must be a mapping, not "text"`},
	{"programs: [a]\n", "1:11: programs: must be a mapping, not a list"},
	{"programs:\n  a: {numprocs: 2}\n", "2:3: a: cmd is missing"},
	{"programs:\n  a:\n", "2:3: a: cmd is missing"},
	{"programs:\n  a: null\n", "2:3: a: cmd is missing"},
	{"programs:\n  a: {}\n", "2:3: a: cmd is missing"},
	{"programs:\n  a: [x]\n", "2:6: a: must be a mapping, not a list"},
	{"programs:\n  a: text\n", `2:6: a: must be a mapping, not "text"`},
	{"programs:\n  a: {cmd: ''}\n", "2:12: a: cmd: is empty"},
	{"programs:\n  a: {cmd: []}\n", "2:12: a: cmd: is empty"},
	{"programs:\n  a: {cmd: 5}\n", "2:12: a: cmd: must be a command (text) or a list of words, not 5 (quote it if it is one)"},
	{"programs:\n  a: {cmd: {x: y}}\n", "2:12: a: cmd: must be a command (text) or a list of words, not a mapping"},
	{"programs:\n  a: {cmd: true}\n", `2:12: a: cmd: must be a command (text) or a list of words, not "true" (quote it if it is one)`},
	{"programs:\n  a: {cmd: ~}\n", "2:12: a: cmd: has no value: it must be a command (text) or a list of words"},
	{"programs:\n  a: {cmd:}\n", "2:3: a: cmd is missing\n2:7: a: unknown key \"cmd:\" (did you mean \"cmd\"?)"},
	{"programs:\n  a: {cmd: ['']}\n", "2:12: a: cmd: is empty"},
	{"programs:\n  a: {cmd: [x, ~]}\n", "2:16: a: cmd: has no value: it must be a command (text) or a list of words"},
	{"programs:\n  a: {cmd: [x, [y]]}\n", "2:16: a: cmd: must be a command (text) or a list of words, not a list"},
	{"programs:\n  a: {cmd: \"''\"}\n", "2:12: a: cmd: is empty"},
	{"programs:\n  a: {cmd: '   '}\n", "2:12: a: cmd: is empty"},
	{"programs:\n  a:\n    cmd: \"sh -c 'oops\"\n", "3:10: a: cmd: a ' that is never closed"},
	{"programs:\n  a:\n    cmd: \"sh -c \\\"oops\"\n", `3:10: a: cmd: a " that is never closed`},
	{"programs:\n  a:\n    cmd: sh \\\n", `3:10: a: cmd: a \ at the end, with nothing to quote`},
	{"programs:\n  a:\n    cmd: echo ${NOPE}\n", "3:10: a: cmd: ${NOPE} is not defined"},
	{"programs:\n  a:\n    cmd: echo ${NOPE:-x}\n", "3:10: a: cmd: ${NOPE:-x} is not defined (a literal ${ is written $${)"},
	{"programs:\n  a:\n    cmd: echo ${\n", "3:10: a: cmd: a ${ without a } (a literal ${ is written $${)"},
	{"programs:\n  a:\n    cmd: [echo, '${}']\n", "3:10: a: cmd: ${} is not defined (a literal ${ is written $${)"},
	{"programs:\n  a:\n    cmd: \"sleep 1 \\0x\"\n", "3:10: a: cmd: holds a NUL byte"},
	{"programz:\n  a: {cmd: x}\n", `1:1: unknown key "programz" (did you mean "programs"?)`},
	{"programs:\n  a: {cmd: x}\nstoptime: 3\n", `3:1: unknown key "stoptime" (it belongs to a program, or in defaults)`},
	{"programs: {}\nloglevel: info\n", `2:1: unknown key "loglevel" (it belongs in daemon)`},
	{"programs: {}\nwidgets: []\n", `2:1: unknown key "widgets"`},
	{"services:\n  a: {cmd: x}\n", `1:1: unknown key "services" (did you mean "programs"?)`},
	{"programs: {}\nx: 1\n", `2:1: unknown key "x"`},
	{"daemon: {sockt: x}\nprograms: {}\n", `1:10: daemon: unknown key "sockt" (did you mean "socket"?)`},
	{"daemon: [x]\nprograms: {}\n", "1:9: daemon: must be a mapping, not a list"},
	{"daemon: {exit_on: sometimes}\nprograms: {}\n", `1:19: daemon: exit_on: must be never, fatal or done, not "sometimes"`},
	{"daemon: {loglevel: loud}\nprograms: {}\n", `1:20: daemon: loglevel: must be debug, info, warn or error, not "loud"`},
	{"daemon: {logformat: xml}\nprograms: {}\n", `1:21: daemon: logformat: must be text or json, not "xml"`},
	{"daemon: {log: ''}\nprograms: {}\n", "1:15: daemon: log: is empty"},
	{"daemon: {log: [x]}\nprograms: {}\n", "1:15: daemon: log: must be a path, stderr or none, not a list"},
	{"daemon: {socketmode: '0900'}\nprograms: {}\n", `1:22: daemon: socketmode: must be an octal number such as "0660", at most 0777, not "0900"`},
	{"daemon: {log_maxbytes: big}\nprograms: {}\n", `1:24: daemon: log_maxbytes: must be a size such as 4096, 512KiB, 10MB or 10MiB, not "big"`},
	{"daemon: {log_backups: -1}\nprograms: {}\n", "1:23: daemon: log_backups: must be a whole number from 0 to 1000, not -1"},
	{"daemon: {env: {A: ~}}\nprograms: {}\n", `1:19: daemon: env.A: has no value (an empty one is written "")`},
	{"daemon: {env: {A: '${NOPE}'}}\nprograms: {a: {cmd: x}, b: {cmd: x}}\n", "1:19: daemon: env.A: ${NOPE} is not defined"},
	{"daemon: {pidfile: 5}\nprograms: {}\n", "1:19: daemon: pidfile: must be a path or none, not 5 (quote it if it is one)"},
	{"daemon: {stoptime: 5}\nprograms: {}\n", `1:10: daemon: unknown key "stoptime"`},
	{"daemon: {orphans: adopt}\nprograms: {}\n", `1:10: daemon: unknown key "orphans"`},
	{"defaults: {stoptim: 3}\nprograms: {}\n", `1:12: defaults: unknown key "stoptim" (did you mean "stoptime"?)`},
	{"defaults: {stoptime: x}\nprograms: {a: {cmd: x}}\n", `1:22: defaults: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "x"`},
	{"defaults: [x]\nprograms: {}\n", "1:11: defaults: must be a mapping, not a list"},
	{"defaults: {env: {A: '${NOPE}'}}\nprograms: {a: {cmd: x}, b: {cmd: x}}\n", "1:21: defaults: env.A: ${NOPE} is not defined"},
	{"include: {a: b}\nprograms: {}\n", "1:10: include: must be a path or a list of paths, not a mapping"},
	{"include: [~]\n", "1:11: include: has no value: it must be a path or a list of paths"},
	{"include: gone.yaml\n", "1:10: include: open DIR/gone.yaml: no such file or directory"},
	{"include: [a, [b]]\n", "1:11: include: open DIR/a: no such file or directory\n1:14: include: must be a path or a list of paths, not a list"},
	{"include: ['[']\n", `1:11: include: "[" is not a pattern: a [ without a ]`},
	{"include: ''\n", "1:10: include: is empty"},
	{"programs:\n  a: {cmd: x}\n  b: {cmd: x}\n  a: {cmd: y}\n", `4:3: "a" comes twice (first on line 2)`},
	{"programs:\n  a: {cmd: x}\nprograms:\n  b: {cmd: x}\n", `3:1: "programs" comes twice (first on line 1)`},
	{"programs:\n  a:\n    cmd: x\n    umask: 022\n    cmd: y\n", `5:5: "cmd" comes twice (first on line 3)`},
	{"x-a: {b: 1, b: 2}\nprograms: {}\n", `1:13: "b" comes twice (first on line 1)`},
	{"programs: {}\n? {a: b}\n: c\n", "2:3: a key must be text, not a mapping"},
	{"programs:\n  a: {cmd: [x\n  b: {cmd: y}\n", "2:3: not valid YAML: did not find expected ',' or ']'"},
	{"programs:\n\ta: {cmd: x}\n", "2:1: a tab in the indentation: YAML wants spaces"},
	{"programs:\n  a: {cmd: 'x}\n", "2:3: a quote that is never closed"},
	{"programs:\n  a: {cmd: *nowhere}\n", "2:12: *nowhere stands for nothing: there is no &nowhere before it"},
	{"programs:\n  a:\n    cmd: x: y\n", `3:5: a ": " where no key can be: check the indentation, or quote the text`},
	{"a: [x\n", "1:1: not valid YAML: did not find expected ',' or ']'"},
	{"a:\n  b: 1\n c: 2\n", "3:2: not valid YAML: did not find expected key"},
	{"programs:\n  a:\n    cmd: \"\\q\"\n", "3:5: not valid YAML: found unknown escape character"},
	{"%YAML 3.0\n---\na: b\n", "1:1: not valid YAML: found incompatible YAML document"},
	{"programs: {}\n---\nprograms: {}\n", "2:1: a second document: a configuration is one document"},
	{"programs: {}\n...\n- [\n", "3:1: not valid YAML: did not find expected <document start>"},
	{"programs: @x\n", "1:1: not valid YAML: found character that cannot start any token"},
	{"programs:\n  a: {cmd: !x!y b}\n", "2:3: not valid YAML: found undefined tag handle"},
	{"programs:\n  a:\n    cmd: sleep\x07 1\n", "3:15: control character U+0007"},
	{"programs:\n  a:\n    cmd: é\x7f\n", "3:11: control character U+007F"},
	{"programs:\n  a: \u0080\n", "2:6: control character U+0080"},
	{"programs: \ufeffx\n", "1:11: character U+FEFF in the middle of the file"},
	{"programs: {}\x00\n", "1:13: control character U+0000"},
	{"programs:\r\n  a: {}\r\n", "2:3: a: cmd is missing"},
	{"programs:\n  a:\n    cmd: sleep\xff 1\n", "3:15: broken UTF-8"},
	{"\xff\xfep\x00r\x00", "1:1: the file is UTF-16; save it as UTF-8"},
	{"\xfe\xff\x00p\x00r", "1:1: the file is UTF-16; save it as UTF-8"},
	{"p\x00r\x00o\x00g\x00", "1:1: the file is UTF-16; save it as UTF-8"},
	{"\xff\xfe\x00\x00p\x00\x00\x00", "1:1: the file is UTF-32; save it as UTF-8"},
	{"programs:\n  all: {cmd: x}\n", `2:3: the name "all" is taken: all means every program`},
	{"programs:\n  a b: {cmd: x}\n", `2:3: the name "a b" may hold only letters, digits, _ . and -`},
	{"programs:\n  a:b: {cmd: x}\n", `2:3: the name "a:b" may hold only letters, digits, _ . and -`},
	{"programs:\n  a/b: {cmd: x}\n", `2:3: the name "a/b" may hold only letters, digits, _ . and -`},
	{"programs:\n  'a*': {cmd: x}\n", `2:3: the name "a*" may hold only letters, digits, _ . and -`},
	{"programs:\n  é: {cmd: x}\n", `2:3: the name "é" may hold only letters, digits, _ . and -`},
	{"programs:\n  '': {cmd: x}\n", `2:3: the name "" is empty`},
	{"programs:\n  .a: {cmd: x}\n", `2:3: the name ".a" begins with "."`},
	{"programs:\n  -a: {cmd: x}\n", `2:3: the name "-a" begins with "-"`},
	{"programs:\n  ? [a]\n  : {cmd: x}\n", "2:5: a key must be text, not a list"},
	{"programs:\n  " + strings.Repeat("n", 201) + ": {cmd: x}\n", `2:3: the name "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn..." is too long`},
	{"programs:\n  \"a\\e[2J\": {cmd: x}\n", `2:3: the name "a\x1b[2J" may hold only letters, digits, _ . and -`},
	{"a: &a [*a]\nprograms: {}\n", "1:8: *a stands within itself"},
	{"x-a: &a {b: *a}\nprograms: {}\n", "1:13: *a stands within itself"},
	{"programs:\n  a: {<<: x, cmd: x}\n", "2:11: << takes a mapping or a list of mappings, not text"},
	{"programs:\n  a: {<<: [x], cmd: x}\n", "2:11: << takes a mapping or a list of mappings, not text"},
	{"x-a: &a {stoptime: no}\nprograms:\n  a: {<<: *a, cmd: x}\n  b: {<<: *a, cmd: x}\n", `1:20: a: stoptime: must be a duration such as 5, 0.5, 500ms, 5s, 2m or 1h, not "no"`},
	{"x-a: &a {stoptime: 5}\nprograms:\n  a: {<<: *a, <<: *a, cmd: x}\n", `3:15: "<<" comes twice (first on line 3)`},
	{"programs: " + strings.Repeat("[", 65) + strings.Repeat("]", 65) + "\n", "1:74: nested too deeply"},
	{"programs: " + strings.Repeat("[", 20000) + "\n", "1:1: nested too deeply"},
	{"programs: {" + "a: {numprocs: 10000, cmd: &c x}" + manyLarge(12) + "}\n", "1:333: l9: with it there are more than 100000 instances in all"},
	{"programs: &x\n  a: {cmd: x, env: *x}\n", "2:20: *x stands within itself"},
}

// manyLarge is n programs more of 10,000 instances.
func manyLarge(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ", l%d: {cmd: *c, numprocs: 10000}", i)
	}
	return b.String()
}

// write makes a file in dir and gives its path.
func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// faultsOf is the faults of a file with this text, without its name.
func faultsOf(t testing.TB, dir, raw string) string {
	t.Helper()
	path := write(t, dir, "c.yaml", raw)
	cfg, err := Load(path)
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("Load of %.200q: %v, want faults", raw, err)
	}
	if cfg != nil {
		t.Errorf("Load of %.200q gives a Config beside its faults", raw)
	}
	return strings.ReplaceAll(strings.ReplaceAll(faults.Error(), path+":", ""), dir, "DIR")
}

func TestFieldFaults(t *testing.T) {
	noEnviron(t)
	dir := t.TempDir()
	for _, c := range fieldFaults {
		if got := faultsOf(t, dir, "programs:\n  a: {cmd: x,\n    "+c.field+" }\n"); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.field, got, c.want)
		}
	}
}

func TestFileFaults(t *testing.T) {
	noEnviron(t)
	dir := t.TempDir()
	for _, c := range fileFaults {
		if got := faultsOf(t, dir, c.raw); got != c.want {
			t.Errorf("%.200q\n got %s\nwant %s", c.raw, got, c.want)
		}
	}
}

// noEnviron makes the daemon's environment one that is known.
func noEnviron(t testing.TB, env ...string) {
	t.Helper()
	before := environ
	environ = func() []string { return ownEnviron(env) }
	t.Cleanup(func() { environ = before })
}
