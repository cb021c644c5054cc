package sys

import "testing"

// What was taken out of memory is there again when it is touched.
func TestForgetImage(t *testing.T) {
	for range 3 {
		ForgetImage()
		if ownName(t) == "" {
			t.Error("no name")
		}
	}
}

func ownName(t *testing.T) string {
	t.Helper()
	text, err := ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
