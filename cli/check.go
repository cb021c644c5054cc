package cli

import (
	"errors"
	"os"

	"taskmaster/config"
	"taskmaster/sys"
)

// check validates a configuration: 0 valid, 1 not.
func check(args []string) int {
	f := flags("check", "check [--json] CONFIG", "validates a configuration and prints every fault as FILE:LINE:COL: message.\n")
	asJSON := f.Bool("json", false, "for editors: one JSON object with valid, faults and warnings")
	if code, ok := parse(f, args); !ok {
		return code
	}
	if f.NArg() != 1 {
		return misused("check", "one configuration file is needed")
	}
	cfg, err := config.Load(f.Arg(0))
	var faults config.Faults
	if err != nil && !errors.As(err, &faults) {
		return failed(err)
	}
	var warnings config.Faults
	if cfg != nil {
		cfg.WarnCgroups(sys.CgroupLack)
		warnings = cfg.Warnings
	}
	if *asJSON {
		emit(append(config.FaultsJSON(faults, warnings), '\n'))
	} else {
		config.Write(os.Stdout, faults, sys.IsTerminal(1))
		config.Write(os.Stdout, warnings, sys.IsTerminal(1))
	}
	if err != nil {
		return failure
	}
	return fine
}
