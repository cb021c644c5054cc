package probe

import (
	"fmt"
	"net"
	"testing"

	"taskmaster/epoll"
)

// What a check costs, the server's part included: it is in the same process.
func BenchmarkCheck(b *testing.B) {
	closes := listen(b, "tcp4", "127.0.0.1:0", func(net.Conn) {})
	serves := listen(b, "tcp4", "127.0.0.1:0", answers("HTTP/1.1 200 OK\r\n\r\n"))
	for name, target := range map[string]Target{
		"tcp":  tcp(b, fmt.Sprintf("127.0.0.1:%d", closes)),
		"http": http(b, fmt.Sprintf("http://127.0.0.1:%d/", serves)),
	} {
		b.Run(name, func(b *testing.B) {
			l, err := epoll.New()
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			b.ReportAllocs()
			for b.Loop() {
				over := false
				_, err := Start(l, target, func(e error) { over, err = true, e })
				for err == nil && !over {
					err = l.Wait()
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
