// Taskmaster supervises programs: it starts them from a YAML or JSON file,
// knows their exact state, restarts them by policy, stops them with all that
// they started, and is driven by a shell.
package main

import (
	"os"

	"taskmaster/cli"
	"taskmaster/spawn"
)

// version is set by the Makefile.
var version = "dev"

func main() {
	spawn.Stage() // does not return in a process that is the first stage of a child
	os.Exit(cli.Main(os.Args[1:], version))
}
