package control

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"taskmaster/process"
	"taskmaster/text"
)

// ArgKind is what the words after a command mean: for parsing, help and completion.
type ArgKind uint8

// The kinds of arguments.
const (
	NoArgs       ArgKind = iota
	Targets              // TARGET…, none means all
	SomeTargets          // TARGET…, at least one
	OneTarget            // TARGET [stdout|stderr]
	SignalTarget         // SIG TARGET…
	CommandName          // [COMMAND]
	OnOff                // on|off
	RequestID            // the id of a request of this connection
	OneName              // NAME: one instance
	Message              // none; it belongs to an attach of this connection
	OutputPart           // OFFSET LENGTH [TARGET [stdout|stderr]], none means the daemon's log
)

// Option is one flag of a command.
type Option struct {
	Name  string // with its dashes: "-n", "--json"
	Value string // what it takes, "" when it is a switch
	Help  string
}

// Command is one row of the table.
type Command struct {
	Name    string
	Aliases []string
	Args    ArgKind
	Usage   string // arguments as shown in help
	Summary string // one line
	Help    string // more lines, may be empty
	Options []Option
	Local   bool // done by the shell itself, never sent
	Hidden  bool // part of the protocol only: not in help or completion
	Since   int  // the version of the protocol that has it, 0 is the first
}

// Protocol is the oldest version of the protocol that a daemon must speak to know the command.
func (c *Command) Protocol() int { return max(c.Since, 1) }

var (
	optJSON   = Option{"--json", "", "as JSON"}
	optNoWait = Option{"--no-wait", "", "return at once, do not wait for the outcome"}
	optFollow = Option{"-f", "", "follow until Ctrl-C"}
	optAll    = Option{"--all", "", "reloads, signals, faults … too"}
	optLines  = Option{"-n", "LINES", "so many lines from the end"}
)

// Commands is the table of all commands, in the order of help.
var Commands = []Command{
	{
		Name: "status", Args: Targets, Usage: "[TARGET…]", Summary: "show the state of programs",
		Help:    "Exit code of ctl: 0 when all are RUNNING or EXITED as expected, 3 when some are not, 4 for an unknown name.",
		Options: []Option{optJSON, {"-v", "", "more about each"}, {"-w", "", "refresh in place until Ctrl-C (on a terminal)"}, {"--tree", "", "draw what depends on what"}},
	},
	{
		Name: "start", Args: SomeTargets, Usage: "TARGET…", Summary: "start programs and wait until they are RUNNING",
		Options: []Option{optNoWait},
	},
	{
		Name: "stop", Args: SomeTargets, Usage: "TARGET…", Summary: "stop programs and wait until nothing of them is left",
		Options: []Option{optNoWait},
	},
	{
		Name: "restart", Args: SomeTargets, Usage: "TARGET…", Summary: "stop, then start again; starts what is stopped",
		Options: []Option{optNoWait, {"--rolling", "", "one instance after the other, each RUNNING before the next stops; the first that fails ends it"}},
	},
	{
		Name: "wait", Args: SomeTargets, Usage: "TARGET…", Summary: "wait until programs are in a state", Since: 2,
		Help: "Without --state until each is RUNNING, or EXITED as expected (a oneshot only that); one that is FATAL, or waits for what is, ends the wait with an error.\n" +
			"A time is in seconds, or as in 500ms, 5s, 2m. Exit code of ctl: 0 when all are there, 1 when one is not.",
		Options: []Option{{"--state", "STATE", "until each is in this state"}, {"--timeout", "TIME", "not longer than this"}},
	},
	{
		Name: "reload", Args: Targets, Usage: "[TARGET…]", Summary: "take over the changed configuration file",
		Help:    "Only what changed is touched. With TARGET the programs are sent their reloadsignal instead.",
		Options: []Option{{"--dry-run", "", "say what would happen, and do nothing"}},
	},
	{Name: "signal", Args: SignalTarget, Usage: "SIGNAL TARGET…", Summary: "send a signal to the process group of programs"},
	{Name: "rotate", Args: Targets, Usage: "[TARGET…]", Summary: "rotate log files now"},
	{
		Name: "tail", Args: OneTarget, Usage: "TARGET [stdout|stderr]", Summary: "show the end of a program's output",
		Options: []Option{optFollow, optLines, {"--raw", "", "byte for byte, control bytes too"}},
	},
	{
		Name: "attach", Args: OneName, Usage: "NAME", Summary: "connect this terminal to a program's", Since: 2,
		Help: "The program needs tty: true; of any other the output is followed. Ctrl-] detaches, and the program goes on; Ctrl-] twice sends one.\n" +
			"Several may look on. Who types first has the keyboard until leaving.",
		Options: []Option{{"-n", "LINES", "begin with so many lines of what it printed before"}, {"--take", "", "take the keyboard from whoever has it"}, {"--watch", "", "only look on"}},
	},
	{
		Name: "log", Args: NoArgs, Summary: "show the end of the daemon's own log",
		Options: []Option{optFollow, optLines},
	},
	{
		Name: "events", Args: NoArgs, Summary: "show the last state changes",
		Options: []Option{optFollow, optLines, optJSON, optAll},
	},
	{Name: "pid", Args: Targets, Usage: "[TARGET…]", Summary: "show the pid of the daemon, or of programs"},
	{Name: "version", Args: NoArgs, Summary: "show the version of the daemon"},
	{Name: "notify", Args: OnOff, Usage: "on|off", Summary: "show state changes above the prompt, or not", Local: true},
	{Name: "help", Args: CommandName, Usage: "[COMMAND]", Summary: "show the commands, or one in full", Local: true},
	{
		Name: "quit", Aliases: []string{"exit"}, Args: NoArgs, Summary: "leave the shell; in the daemon's own shell: shut down",
		Help: "In the daemon's own shell every program is stopped and the daemon ends. In an attached shell (ctl) only the shell ends.", Local: true,
	},
	{Name: "shutdown", Args: NoArgs, Summary: "stop every program and end the daemon"},
	{
		Name: "upgrade", Args: NoArgs, Summary: "go on with the binary that is on disk now",
		Help: "The new binary is tried first; one that cannot go on is not changed to. No program is touched.",
	},
	{
		Name: "stats", Args: Targets, Usage: "[TARGET…]", Summary: "counters of the daemon and of programs, as JSON", Hidden: true,
		Options: []Option{{"--usage", "", "memory and processor time, too"}},
	},
	{
		Name: "settings", Args: Targets, Usage: "[TARGET…]", Summary: "what is configured, as JSON", Hidden: true,
		Options: []Option{{"--file", "", "as the file says now, not as it is in force"}},
	},
	{Name: "read", Args: OutputPart, Usage: "OFFSET LENGTH [TARGET [stdout|stderr]]", Summary: "a part of an output or of the daemon's log", Hidden: true},
	{Name: "clear", Args: Targets, Usage: "[TARGET…]", Summary: "empty log files, and what is kept in memory", Hidden: true},
	{Name: "add", Args: SomeTargets, Usage: "PROGRAM…", Summary: "take over single programs that are new in the file", Hidden: true},
	{Name: "remove", Args: SomeTargets, Usage: "PROGRAM…", Summary: "forget single programs that are stopped", Hidden: true},
	{Name: "cancel", Args: RequestID, Usage: "ID", Summary: "stop waiting for a request of this connection", Hidden: true},
	{Name: Input, Args: Message, Summary: "type into the terminal that this connection is attached to", Hidden: true, Since: 2},
	{Name: Resize, Args: Message, Summary: "say how large the attached terminal is", Hidden: true, Since: 2},
	{Name: Detach, Args: Message, Summary: "end an attach of this connection", Hidden: true, Since: 2},
}

// Find gives the command of this name or alias, nil when there is none.
func Find(name string) *Command {
	for i := range Commands {
		c := &Commands[i]
		if c.Name == name {
			return c
		}
		for _, a := range c.Aliases {
			if a == name {
				return c
			}
		}
	}
	return nil
}

// Call is a parsed command with its words sorted out.
type Call struct {
	*Command
	Targets []string // TARGET…, or the words of commands that take none
	Signal  string   // of SignalTarget
	Stream  string   // stdout or stderr, of OneTarget
	Lines   int      // -n, -1 when not given
	Offset  int64    // of OutputPart, in bytes; negative counts from the end
	Length  int64    // of OutputPart, in bytes; 0 is all that follows
	File    bool     // --file
	Usage   bool     // --usage
	JSON    bool
	NoWait  bool
	Follow  bool
	Raw     bool
	DryRun  bool
	Verbose bool
	Watch   bool // status -w, attach --watch
	Take    bool
	All     bool
	Tree    bool
	Rolling bool
	Timeout time.Duration // 0 when not given
	State   process.State // that is waited for, when Exact
	Exact   bool
}

// UsageError is a command that was not understood: exit code 2.
type UsageError string

func (e UsageError) Error() string { return string(e) }

// Parse sorts the words of a command out. Options may stand anywhere; "--" ends them.
func Parse(name string, args []string) (*Call, error) {
	cmd := Find(name)
	if cmd == nil {
		return nil, UsageError(unknown(name))
	}
	c := &Call{Command: cmd, Lines: -1}
	words, err := c.options(args)
	if err != nil {
		return nil, err
	}
	if c.Rolling && c.NoWait {
		return nil, c.usage("--rolling waits for each, so --no-wait cannot be said")
	}
	return c, c.operands(words)
}

func suggestion(name string) string {
	if s := text.Nearest(name, CommandNames()); s != "" {
		return " (did you mean " + s + "?)"
	}
	return ""
}

// CommandNames gives every name and alias that a user may type.
func CommandNames() []string {
	var out []string
	for _, c := range Commands {
		if !c.Hidden {
			out = append(append(out, c.Name), c.Aliases...)
		}
	}
	return out
}

func (c *Call) options(args []string) (words []string, err error) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			return append(words, args[i+1:]...), nil
		}
		if len(a) < 2 || a[0] != '-' {
			words = append(words, a)
			continue
		}
		value := ""
		if strings.HasPrefix(a, "-n") && len(a) > 2 { // -n5
			a, value = "-n", a[2:]
		} else if name, after, ok := strings.Cut(a, "="); ok && c.takesValue(name) { // --state=STOPPED
			a, value = name, after
		} else if c.takesValue(a) && i+1 < len(args) {
			i++
			value = args[i]
		}
		if err := c.option(a, value); err != nil {
			return nil, err
		}
	}
	return words, nil
}

func (c *Call) option(name, value string) error {
	if !c.has(name) {
		return c.usage("has no option " + text.Visible(name))
	}
	switch name {
	case "--json":
		c.JSON = true
	case "--no-wait":
		c.NoWait = true
	case "-f":
		c.Follow = true
	case "-v":
		c.Verbose = true
	case "-w", "--watch":
		c.Watch = true
	case "--take":
		c.Take = true
	case "--all":
		c.All = true
	case "--raw":
		c.Raw = true
	case "--dry-run":
		c.DryRun = true
	case "--tree":
		c.Tree = true
	case "--rolling":
		c.Rolling = true
	case "--file":
		c.File = true
	case "--usage":
		c.Usage = true
	default:
		return c.valued(name, value)
	}
	return nil
}

// valued is an option that takes a value.
func (c *Call) valued(name, value string) (err error) {
	switch name {
	case "-n":
		if c.Lines, err = strconv.Atoi(value); err != nil || c.Lines < 0 {
			return c.usage("-n needs a number of lines")
		}
	case "--state":
		if c.State, c.Exact = process.ParseState(value); !c.Exact {
			return c.usage("--state needs a state such as RUNNING or STOPPED")
		}
	case "--timeout":
		if _, err := strconv.ParseFloat(value, 64); err == nil {
			value += "s"
		}
		if c.Timeout, err = time.ParseDuration(value); err != nil || c.Timeout <= 0 {
			return c.usage("--timeout needs a time such as 5, 500ms or 2m")
		}
	}
	return nil
}

func (c *Call) takesValue(option string) bool {
	return slices.ContainsFunc(c.Options, func(o Option) bool { return o.Name == option && o.Value != "" })
}

func (c *Call) has(option string) bool {
	for _, o := range c.Options {
		if o.Name == option {
			return true
		}
	}
	return false
}

func (c *Call) operands(words []string) error {
	switch c.Args {
	case NoArgs, Message:
		if len(words) > 0 {
			return c.usage("takes no argument")
		}
	case SomeTargets:
		if len(words) == 0 {
			return c.usage("needs a program, an instance or all")
		}
	case OneName:
		if len(words) != 1 {
			return c.usage("needs one program or instance")
		}
	case SignalTarget:
		if len(words) < 2 {
			return c.usage("needs a signal and a program")
		}
		c.Signal, words = words[0], words[1:]
	case OneTarget:
		if len(words) == 0 || len(words) > 2 {
			return c.usage("needs one program, and stdout or stderr")
		}
		return c.output(words)
	case OutputPart:
		return c.part(words)
	case CommandName, RequestID, OnOff:
		if len(words) > 1 {
			return c.usage("takes one argument")
		}
	case Targets:
	}
	c.Targets = words
	return nil
}

// output takes TARGET [stdout|stderr] apart.
func (c *Call) output(words []string) error {
	c.Stream = "stdout"
	if len(words) == 2 {
		c.Stream = words[1]
	}
	if c.Stream != "stdout" && c.Stream != "stderr" {
		return c.usage("shows stdout or stderr, not " + text.Visible(c.Stream))
	}
	c.Targets = words[:1]
	return nil
}

// part takes OFFSET LENGTH [TARGET [stdout|stderr]] apart.
func (c *Call) part(words []string) (err error) {
	if len(words) < 2 || len(words) > 4 {
		return c.usage("needs an offset and a length, in bytes")
	}
	if c.Offset, err = strconv.ParseInt(words[0], 10, 64); err != nil {
		return c.usage("needs a number of bytes as the offset")
	}
	if c.Length, err = strconv.ParseInt(words[1], 10, 64); err != nil || c.Length < 0 {
		return c.usage("needs a number of bytes as the length")
	}
	if len(words) == 2 {
		return nil
	}
	return c.output(words[2:])
}

func (c *Call) usage(what string) error {
	return UsageError(c.Name + " " + what + " (usage: " + c.Synopsis() + ")")
}

// Synopsis is the command with its options and arguments, as help shows it.
func (c *Command) Synopsis() string {
	out := c.Name
	for _, o := range c.Options {
		out += " [" + o.Name
		if o.Value != "" {
			out += " " + o.Value
		}
		out += "]"
	}
	if c.Usage != "" {
		out += " " + c.Usage
	}
	return out
}
