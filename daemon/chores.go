package daemon

// maxChores is how many chores wait at most; the loop never waits for them.
const maxChores = 64

// chores are what the main thread does for the loop: it has nothing else to do but
// to wait for the loop's end. Nothing of the loop's may be touched by them.
type chores chan func()

// take takes a chore, unless too many wait.
func (c chores) take(chore func()) (taken bool) {
	select {
	case c <- chore:
		return true
	default:
		return false
	}
}

// until does chores until the loop has ended, and gives its exit code.
func (c chores) until(ended <-chan int) int {
	for {
		select {
		case chore := <-c:
			chore()
		case code := <-ended:
			return code
		}
	}
}
