package cli

import (
	_ "embed"
	"flag"
	"fmt"
	"slices"
	"strings"

	"taskmaster/config"
	"taskmaster/control"
	"taskmaster/ctl"
	"taskmaster/shell"
)

// What the shells are to load. All they know is to ask completeCommand, so
// they complete what this binary can do, by its own tables.
var (
	//go:embed completion.bash
	bashScript []byte
	//go:embed completion.zsh
	zshScript []byte
	//go:embed completion.fish
	fishScript []byte
)

// completeCommand is what the scripts call, with the command line up to the
// cursor: a line for each word that may stand there, with what it is for behind
// a tab. A line that is filesWord asks for names of files besides.
const (
	completeCommand = "__complete"
	filesWord       = ":files"
)

// completion prints the script of a shell.
func completion(args []string) int {
	f := flags("completion", "completion bash|zsh|fish", "prints what makes a shell complete taskmaster's command lines: subcommands, flags,\n"+
		"commands, and the names of programs as the running daemon has them.\n\n"+
		"  bash    source <(taskmaster completion bash)\n  zsh     source <(taskmaster completion zsh)\n  fish    taskmaster completion fish | source\n")
	if code, ok := parse(f, args); !ok {
		return code
	}
	script, ok := map[string][]byte{"bash": bashScript, "zsh": zshScript, "fish": fishScript}[f.Arg(0)]
	if !ok || f.NArg() != 1 {
		return misused("completion", "one shell is needed: bash, zsh or fish")
	}
	return emit(script)
}

// choice is a word that may stand at the cursor.
type choice struct{ word, help string }

// answer prints the choices for a command line.
func answer(args []string) int {
	if len(args) != 1 {
		return usage
	}
	var b strings.Builder
	for _, c := range choices(args[0]) {
		b.WriteString(strings.TrimRight(c.word+"\t"+c.help, "\t") + "\n")
	}
	fmt.Print(b.String())
	return fine
}

// choices are those for the last word of line.
func choices(line string) (out []choice) {
	words := strings.Fields(line)
	last := ""
	if n := len(words); n > 0 && !strings.HasSuffix(line, " ") {
		words, last = words[:n-1], words[n-1]
	}
	if len(words) == 0 {
		return nil
	}
	all := candidates(words[1:], last)
	return slices.DeleteFunc(all, func(c choice) bool { return c.word != filesWord && !strings.HasPrefix(c.word, last) })
}

// candidates are the choices for a word after others.
func candidates(words []string, last string) (out []choice) {
	if len(words) == 0 && !strings.HasPrefix(last, "-") {
		for _, s := range Subcommands() {
			out = append(out, choice{s.Name, s.Summary})
		}
		return append(out, choice{word: filesWord})
	}
	if slices.Contains(words, "--") {
		return []choice{{word: filesWord}}
	}
	name := "run"
	if len(words) > 0 && slices.ContainsFunc(Subcommands(), func(s Subcommand) bool { return s.Name == words[0] }) {
		name, words = words[0], words[1:]
	}
	f := Describe(name).Flags
	rest, value := operands(f, words)
	switch {
	case value != nil:
		return values(value)
	case name == "ctl" && len(rest) > 0 || name == "ctl" && !strings.HasPrefix(last, "-"):
		return commands(f, words[:len(words)-len(rest)], rest, last)
	case strings.HasPrefix(last, "-"):
		f.VisitAll(func(x *flag.Flag) {
			if !strings.HasPrefix(x.Usage, "hidden") {
				_, text := flag.UnquoteUsage(x)
				out = append(out, choice{dashes(x.Name), text})
			}
		})
		return out
	case name == "completion" && len(rest) == 0:
		return []choice{{word: "bash"}, {word: "zsh"}, {word: "fish"}}
	}
	return []choice{{word: filesWord}}
}

// operands are the words from the first on that is no flag; value is the flag
// whose value comes next.
func operands(f *flag.FlagSet, words []string) (rest []string, value *flag.Flag) {
	for i := 0; i < len(words); i++ {
		if !strings.HasPrefix(words[i], "-") {
			return words[i:], nil
		}
		x := f.Lookup(strings.TrimLeft(words[i], "-"))
		switch {
		case x == nil || isSwitch(x): // one with a = has its value
		case i == len(words)-1:
			return nil, x
		default:
			i++
		}
	}
	return nil, nil
}

func isSwitch(x *flag.Flag) bool {
	b, ok := x.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// values are what may stand as the value of a flag.
func values(x *flag.Flag) []choice {
	switch x.Name {
	case "loglevel":
		return []choice{{word: "debug"}, {word: "info"}, {word: "warn"}, {word: "error"}}
	case "autorestart":
		return []choice{{word: "always"}, {word: "never"}, {word: "unexpected"}}
	case "killmode":
		return []choice{{word: "tree"}, {word: "group"}, {word: "process"}}
	case "oneshot":
		return []choice{{word: "true"}, {word: "false"}}
	}
	return []choice{{word: filesWord}}
}

// commands are the choices for a command to the daemon that the flags of ctl name.
func commands(f *flag.FlagSet, own, rest []string, last string) (out []choice) {
	_ = f.Parse(own)
	socket := f.Lookup("s").Value.String()
	if file := f.Lookup("c").Value.String(); file != "" {
		if cfg, err := config.Load(file); err == nil {
			socket = cfg.Daemon.Socket
		}
	}
	line := strings.Join(append(slices.Clone(rest), last), " ")
	for _, w := range shell.Choices(line, func() (programs, instances []string) { return ctl.Names(socket) }) {
		help := ""
		if cmd := control.Find(w); cmd != nil && len(rest) == 0 {
			help = cmd.Summary
		}
		out = append(out, choice{w, help})
	}
	if len(rest) > 0 && strings.HasPrefix(last, "-") {
		for i, c := range out {
			out[i].help = optionHelp(rest[0], c.word)
		}
	}
	return out
}

func optionHelp(command, option string) string {
	if cmd := control.Find(command); cmd != nil {
		for _, o := range cmd.Options {
			if o.Name == option {
				return o.Help
			}
		}
	}
	return ""
}
