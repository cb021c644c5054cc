package importer

import "taskmaster/config"

// isSignal tells whether a name or number is a signal that we know.
func isSignal(name string) bool {
	_, ok := config.ParseSignal(name)
	return ok
}
