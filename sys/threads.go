package sys

import (
	"runtime"
	"sync"
)

// SpareThreads makes the Go runtime create n threads now and keep them. It
// would create them when it needs them, and end the process when the kernel
// refuses (a full pid space, RLIMIT_NPROC): "runtime: failed to create new OS
// thread". Threads that are idle are never given back, so once there are enough
// nothing is left that could fail.
func SpareThreads(n int) {
	var there, leave sync.WaitGroup
	there.Add(n)
	leave.Add(1)
	for range n {
		go func() {
			runtime.LockOSThread() // a thread of its own
			defer runtime.UnlockOSThread()
			there.Done()
			leave.Wait()
		}()
	}
	there.Wait()
	leave.Done()
}
