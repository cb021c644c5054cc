package shell

// Choices are the words that may stand in the place of the last one of a
// command line, sorted; all begin with what is there of it.
func Choices(line string, names func() (programs, instances []string)) []string {
	return complete(line, names).words
}
