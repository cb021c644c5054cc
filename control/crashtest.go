//go:build crashtest

package control

// A test has the daemon crash with it, to see how it goes on.
func init() {
	Commands = append(Commands, Command{Name: "panic", Args: NoArgs, Summary: "crash", Hidden: true})
}
