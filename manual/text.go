package manual

// What no table says.
const (
	description = `
Taskmaster starts the programs of one configuration file, knows their state, restarts them by the rules given there, stops
them with everything they started, and obeys commands: on its standard input, and through a socket by ` + "`taskmaster ctl`" + `.
The file is described in **taskmaster.yaml**(5).
`
	commands = `
These are given to ` + "`taskmaster ctl`" + `, or typed into the shell. TARGET is ` + "`all`" + `, a program, an instance such as ` + "`web:1`" + `, or a pattern
such as ` + "`web*`" + `; several may be given.
`
	ending = `
## Exit status

| status | of |
|---|---|
| 0 | all went well; of ` + "`ctl status`" + `: everything listed is RUNNING, or has EXITED as expected |
| 1 | a failure: a faulty configuration, no daemon at the socket, a program that could not be started; of ` + "`run`" + ` with ` + "`exit_on: fatal`" + `: a program is FATAL |
| 2 | wrong usage |
| 3 | of ` + "`ctl status`" + `: some of what is listed does not run |
| 4 | of ` + "`ctl status`" + `: a named program does not exist |

## Signals

| signal | does |
|---|---|
| HUP | reload the configuration |
| TERM, INT, QUIT | stop every program and end; a second one kills them at once |
| USR1 | go on with the binary that is on disk now |
| USR2 | open all log files anew |

## Environment

| variable | of |
|---|---|
| NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID | the service manager that is told of the daemon's state (**sd_notify**(3)); not handed down to programs |
| NO_COLOR | when set, nothing is coloured |
| XDG_STATE_HOME | where the shell keeps its history, in taskmaster/history; ~/.local/state when not set |
| TASKMASTER_PROGRAM, TASKMASTER_INSTANCE, TASKMASTER_NAME | set for each program: web, 1, web:1 |

## See also

**taskmaster.yaml**(5), **supervisord**(1), **systemd.service**(5)
`
)
