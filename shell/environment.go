package shell

// HistoryPath is where the lines are kept, by XDG_STATE_HOME or HOME; "" without both.
func HistoryPath(getenv func(string) string) string {
	state := getenv("XDG_STATE_HOME")
	if state == "" || state[0] != '/' { // a relative one is to be ignored, as its specification says
		home := getenv("HOME")
		if home == "" {
			return ""
		}
		state = home + "/.local/state"
	}
	return state + "/taskmaster/history"
}

// FromEnvironment gives the options that the environment decides: TERM (none at all is as dumb
// as "dumb"), NO_COLOR (any value but the empty one, no-color.org) and the place of the history.
func FromEnvironment(getenv func(string) string) Options {
	term := getenv("TERM")
	return Options{
		Dumb:        term == "" || term == "dumb",
		Color:       term != "" && term != "dumb" && getenv("NO_COLOR") == "",
		HistoryPath: HistoryPath(getenv),
	}
}
