package cli

import (
	"taskmaster/config"
	"taskmaster/ctl"
)

// remote sends one command to a running daemon, or opens its shell.
func remote(args []string) int {
	f := flags("ctl", "ctl [-s SOCKET | -c CONFIG] [--json] [COMMAND ARG…]",
		"sends one command to a running daemon; \"taskmaster ctl help\" lists them.\nWithout a command it is an interactive shell.\n")
	socket := f.String("s", "taskmaster.sock", "`SOCKET` of the daemon")
	file := f.String("c", "", "`CONFIG` of the daemon, which names its socket")
	asJSON := f.Bool("json", false, "show results as JSON")
	if code, ok := parse(f, args); !ok {
		return code
	}
	if *file != "" {
		cfg, err := config.Load(*file)
		if err != nil {
			return faulty(err)
		}
		*socket = cfg.Daemon.Socket
	}
	if f.NArg() == 0 {
		return ctl.Shell(*socket)
	}
	return ctl.Run(*socket, *asJSON, f.Args())
}
