//go:build crashtest

package daemon

func init() {
	handlers["panic"] = func(*Daemon, *request) { panic("as asked for") }
}
