// Package cli is the command line: subcommands, their flags, and the exit code.
package cli

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"

	"taskmaster/config"
	"taskmaster/daemon"
	"taskmaster/logfile"
)

// Exit codes of the command line (SPEC: 0 fine, 1 failure, 2 usage).
const (
	fine    = 0
	failure = 1
	usage   = 2
)

const help = `taskmaster supervises programs.

  taskmaster [run] [FLAG…] CONFIG      run the daemon in the foreground, with a shell on standard input
  taskmaster run [FLAG…] -- CMD ARG…   supervise one command without a file
  taskmaster check [--json] CONFIG     validate a configuration: every fault as FILE:LINE:COL: message
  taskmaster ctl [FLAG…] [COMMAND…]    send one command to a running daemon; without one, its shell
  taskmaster import [FLAG…] FILE       write the equivalent of a supervisord.conf
  taskmaster graph CONFIG              print what depends on what, for Graphviz
  taskmaster init [FILE]               write a commented configuration to start from
  taskmaster schema                    print the JSON Schema of the configuration, for editors
  taskmaster completion SHELL          print what makes bash, zsh or fish complete command lines
  taskmaster version                   version, Go version, commit

"taskmaster SUBCOMMAND -h" tells more. Exit code: 0 fine, 1 failure, 2 usage.
`

// Main runs the subcommand that args name and returns the exit code.
func Main(args []string, version string) int {
	word := ""
	if len(args) > 0 {
		word = args[0]
	}
	switch word {
	case daemon.GzipCommand:
		return compress(args[1:])
	case daemon.CanResumeCommand:
		return canResume(args[1:], version)
	case completeCommand:
		return answer(args[1:])
	case "help", "-h", "--help":
		fmt.Print(help)
		return fine
	case "--version":
		return printVersion(args[1:], version)
	}
	for _, s := range subcommands(version) {
		if s.name == word {
			return s.run(args[1:])
		}
	}
	return run(args, version)
}

// flags makes a set of flags whose -h prints what it is about, and whose
// errors are one line.
func flags(name, synopsis, about string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	described = Subcommand{Synopsis: synopsis, About: about, Flags: f}
	f.Usage = func() {
		fmt.Printf("usage: taskmaster %s\n\n%s\n", synopsis, about)
		f.VisitAll(func(x *flag.Flag) {
			if !strings.HasPrefix(x.Usage, "hidden") {
				value, text := flag.UnquoteUsage(x)
				fmt.Printf("  %-20s %s\n", strings.TrimRight(dashes(x.Name)+" "+value, " "), text)
			}
		})
	}
	return f
}

func dashes(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// parse reads the flags; ok is false when code is already the answer.
func parse(f *flag.FlagSet, args []string) (code int, ok bool) {
	if looking != nil {
		looking(described)
		return fine, false
	}
	switch err := f.Parse(args); err {
	case nil:
		return fine, true
	case flag.ErrHelp:
		return fine, false
	default:
		return misused(f.Name(), err.Error()), false
	}
}

func misused(subcommand, what string) int {
	fmt.Fprintf(os.Stderr, "taskmaster: %s (taskmaster %s -h tells more)\n", what, subcommand)
	return usage
}

func failed(err error) int {
	fmt.Fprintf(os.Stderr, "taskmaster: %v\n", err)
	return failure
}

func printVersion(args []string, version string) int {
	f := flags("version", "version", "prints the version, Go's version, and the commit.")
	if code, ok := parse(f, args); !ok {
		return code
	}
	fmt.Printf("taskmaster %s %s %s\n", version, runtime.Version(), commit())
	return fine
}

func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown commit"
}

func generate(name string, args []string, what string, make func() []byte) int {
	f := flags(name, name, "prints "+what+".")
	if code, ok := parse(f, args); !ok {
		return code
	}
	return emit(make())
}

func emit(text []byte) int {
	if _, err := os.Stdout.Write(text); err != nil {
		return failed(err)
	}
	return fine
}

func initialize(args []string) int {
	f := flags("init", "init [FILE]", "writes a commented configuration to FILE, or to standard output.\nA file that is there already is left alone.")
	if code, ok := parse(f, args); !ok {
		return code
	}
	switch f.NArg() {
	case 0:
		return emit(config.Starter())
	case 1:
	default:
		return misused("init", "init takes one file")
	}
	file, err := os.OpenFile(f.Arg(0), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return failed(err)
	}
	if _, err := file.Write(config.Starter()); err != nil {
		_ = file.Close()
		return failed(err)
	}
	if err := file.Close(); err != nil {
		return failed(err)
	}
	return fine
}

// canResume is asked by a daemon that is about to change to this binary.
func canResume(args []string, version string) int {
	if len(args) != 1 {
		return misused("run", daemon.CanResumeCommand+" takes the version of a state")
	}
	if err := daemon.CanResume(args[0], version); err != nil {
		return failed(err)
	}
	return fine
}

// compress is the child that the daemon starts for a rotated log file.
func compress(args []string) int {
	if len(args) != 1 {
		return misused("run", "one file is to be compressed")
	}
	if err := logfile.Gzip(args[0]); err != nil {
		return failed(err)
	}
	return fine
}
