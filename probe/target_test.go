package probe

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tcpTargets are what stands in a configuration, and the fault, "" for none.
var tcpTargets = []struct{ in, want string }{
	{"127.0.0.1:6379", ""},
	{"localhost:1", ""},
	{"[::1]:65535", ""},
	{"[fe80::1:2.3.4.5]:80", ""},
	{"db_1.Example.com:5432", ""},
	{"9lives:80", ""},
	{"", `must be HOST:PORT, such as localhost:5432 or [::1]:5432, not ""`},
	{"6379", `must be HOST:PORT, such as localhost:5432 or [::1]:5432, not "6379"`},
	{"db", `must be HOST:PORT, such as localhost:5432 or [::1]:5432, not "db"`},
	{"db:", `must be HOST:PORT, such as localhost:5432 or [::1]:5432, not "db:"`},
	{":6379", `must be HOST:PORT, such as localhost:5432 or [::1]:5432, not ":6379"`},
	{"[::1]", `must be HOST:PORT, such as localhost:5432 or [::1]:5432, not "[::1]"`},
	{"db:0", `the port must be a number from 1 to 65535, not "0"`},
	{"db:65536", `the port must be a number from 1 to 65535, not "65536"`},
	{"db:-1", `the port must be a number from 1 to 65535, not "-1"`},
	{"db:+1", `the port must be a number from 1 to 65535, not "+1"`},
	{"db:http", `the port must be a number from 1 to 65535, not "http"`},
	{"db: 80", `the port must be a number from 1 to 65535, not " 80"`},
	{"::1:80", `an IPv6 address with a port is written [::1]:80, not "::1:80"`},
	{"[::1:80", `an IPv6 address with a port is written [::1]:80, not "[::1:80"`},
	{"[::1]80", `an IPv6 address with a port is written [::1]:80, not "[::1]80"`},
	{"http://db:80", `an IPv6 address with a port is written [::1]:80, not "http://db:80"`},
	{"[127.0.0.1]:80", `"127.0.0.1" is no IPv6 address`},
	{"[]:80", `"" is no IPv6 address`},
	{"[fe80::1%eth0]:80", `"fe80::1%eth0" has a zone, which is not supported`},
	{"300.1.1.1:80", `"300.1.1.1" is neither an address nor the name of a host`},
	{"1.2.3:80", `"1.2.3" is neither an address nor the name of a host`},
	{"127.0.0.01:80", `"127.0.0.01" is neither an address nor the name of a host`},
	{"-db:80", `"-db" is neither an address nor the name of a host`},
	{".db:80", `".db" is neither an address nor the name of a host`},
	{"d b:80", `"d b" is neither an address nor the name of a host`},
	{"dé:80", `"dé" is neither an address nor the name of a host`},
	{"a\x00b:80", `"a\x00b" is neither an address nor the name of a host`},
}

func TestParseTCP(t *testing.T) {
	for _, c := range tcpTargets {
		target, err := ParseTCP(c.in)
		if got := said(err); got != c.want {
			t.Errorf("ParseTCP(%q) says %q, want %q", c.in, got, c.want)
		}
		if err == nil && target.String() != c.in {
			t.Errorf("ParseTCP(%q) is shown as %q", c.in, target)
		}
	}
	if _, err := ParseTCP(strings.Repeat("a", 254) + ":80"); err == nil {
		t.Error("a name of 254 characters is taken")
	}
}

func TestParseHTTP(t *testing.T) {
	for _, c := range []struct {
		in, want string // want is a fault, or "" for a good one
		shown    string
		target   Target
	}{
		{"http://localhost", "", "http://localhost/", Target{"localhost", 80, "localhost", "/"}},
		{"http://localhost/", "", "http://localhost/", Target{"localhost", 80, "localhost", "/"}},
		{"HTTP://db:81/x", "", "http://db:81/x", Target{"db", 81, "db:81", "/x"}},
		{"http://[::1]/", "", "http://[::1]/", Target{"::1", 80, "[::1]", "/"}},
		{"http://[::1]:9?token=1", "", "http://[::1]:9/?…", Target{"::1", 9, "[::1]:9", "/?token=1"}},
		{"http://h:9/a%20b:c@d?e=/f?", "", "http://h:9/a%20b:c@d?…", Target{"h", 9, "h:9", "/a%20b:c@d?e=/f?"}},
		{"https://localhost/", "https is not supported: name the plain http port, or let exec run a client", "", Target{}},
		{"HTTPS://localhost/", "https is not supported: name the plain http port, or let exec run a client", "", Target{}},
		{"localhost:80", `must be a URL such as http://localhost:8080/health, not "localhost:80"`, "", Target{}},
		{"", `must be a URL such as http://localhost:8080/health, not ""`, "", Target{}},
		{"http://", `must be a URL such as http://localhost:8080/health, not "http://"`, "", Target{}},
		{"http:///x", `must be a URL such as http://localhost:8080/health, not "http:///x"`, "", Target{}},
		{"http://:80/", `must be a URL such as http://localhost:8080/health, not "http://:80/"`, "", Target{}},
		{"http://db:/", `must be a URL such as http://localhost:8080/health, not "http://db:/"`, "", Target{}},
		{"ftp://db/", `must be a URL such as http://localhost:8080/health, not "ftp://db/"`, "", Target{}},
		{"http://db:x/", `the port must be a number from 1 to 65535, not "x"`, "", Target{}},
		{"http://u:p@db/", "a URL with a user is not supported: let exec run a client", "", Target{}},
		{"http://db/x#y", "holds a #, and what follows is never sent", "", Target{}},
		{"http://db/x y", `holds ' ', which a URL may only hold percent-encoded`, "", Target{}},
		{"http://db/\r\nX: y", `holds '\r', which a URL may only hold percent-encoded`, "", Target{}},
		{"http://db/é", `holds 'é', which a URL may only hold percent-encoded`, "", Target{}},
		{"http://db\r\nX/", `"db\r\nX" is neither an address nor the name of a host`, "", Target{}},
		{"http://::1/", `an IPv6 address with a port is written [::1]:80, not "::1"`, "", Target{}},
		{"http://1.2.3/", `"1.2.3" is neither an address nor the name of a host`, "", Target{}},
	} {
		target, err := ParseHTTP(c.in)
		if got := said(err); got != c.want {
			t.Errorf("ParseHTTP(%q) says %q, want %q", c.in, got, c.want)
		}
		if target != c.target {
			t.Errorf("ParseHTTP(%q) = %#v, want %#v", c.in, target, c.target)
		}
		if err == nil && target.String() != c.shown {
			t.Errorf("ParseHTTP(%q) is shown as %q, want %q", c.in, target, c.shown)
		}
	}
}

func TestLookup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hosts")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("# 10.0.0.9 db\n10.0.0.1\tone Db # two\n\n::2 DB\nrubbish db\n10.0.0.3 db2\n10.0.0.4\n  10.0.0.5   x   db")
	for host, want := range map[string]string{
		"db": "10.0.0.1 ::2 10.0.0.5", "one": "10.0.0.1", "db2": "10.0.0.3",
		"two": "two is not in FILE (DNS is not asked: it would block)",
	} {
		got, err := lookupIn(file, host)
		words := []string{}
		for _, a := range got {
			words = append(words, a.text)
		}
		if err != nil {
			words = append(words, strings.ReplaceAll(err.Error(), file, "FILE"))
		}
		if strings.Join(words, " ") != want {
			t.Errorf("%s: %q, want %q", host, words, want)
		}
	}
	write("10.0.0.7 two\n")
	if got, err := lookupIn(file, "two"); err != nil || len(got) != 1 || got[0].text != "10.0.0.7" {
		t.Errorf("after a change of the file: %v, %v", got, err)
	}
	write(strings.Repeat("#", maxHosts+1))
	if _, err := lookupIn(file, "two"); err == nil || !strings.HasSuffix(err.Error(), "larger than 1 MiB") {
		t.Errorf("said %v of a large file", err)
	}
	for path, want := range map[string]string{"/dev/zero": "not a regular file", file + ".none": "no such file or directory"} {
		if _, err := lookupIn(path, "two"); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: said %v", path, err)
		}
	}
}

// addressTexts are what an address may look like, and nearly.
var addressTexts = []string{
	"1.2.3.4", "0.0.0.0", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1..2.3", "", ".", ":",
	"::", "::1", "1::", ":::", "1:::2", "1::2::3", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::",
	"::1:2:3:4:5:6:7", "1::2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1.2.3.4::", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4",
	"::1.2.3.4:5", "12345::", "fFfF::aBcD", "g::", "1:", ":1", "::1:", "+1::", "0x1::", "::1.2.3", "1::1.2.3.04",
}

func agree(t *testing.T, s string) {
	t.Helper()
	if strings.Contains(s, "%") {
		return
	}
	want, err := netip.ParseAddr(s)
	got, ok := parseAddress(s)
	if ok != (err == nil) {
		t.Fatalf("%q: taken %v, netip says %v", s, ok, err)
	}
	if !ok {
		return
	}
	ip := netip.AddrFrom16(got.ip)
	if got.four {
		ip = netip.AddrFrom4([4]byte(got.ip[:4]))
	}
	if ip != want {
		t.Fatalf("%q is %v, netip says %v", s, ip, want)
	}
}

func TestParseAddress(t *testing.T) {
	for _, s := range addressTexts {
		agree(t, s)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range addressTexts {
		f.Add(s)
	}
	f.Fuzz(agree)
}

// What is taken can be asked: the request has its five lines and no more, and
// the target is parsed to the same when it is parsed again.
func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"http://[::1]:80/a?b", "http://localhost", "https://x", "http://a:1/#", "db:5432", "[::1]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if target, err := ParseHTTP(s); err == nil {
			again, err := ParseHTTP("http://" + target.authority + target.path)
			if n := strings.Count(string(target.request()), "\r\n"); n != 6 || err != nil || again != target {
				t.Errorf("%q: %d lines, %#v and then %#v, %v", s, n, target, again, err)
			}
		}
		if target, err := ParseTCP(s); err == nil {
			if again, err := ParseTCP(target.String()); err != nil || again != target {
				t.Errorf("%q: %#v and then %#v, %v", s, target, again, err)
			}
		}
	})
}

// An answer is understood the same however it is cut into pieces: what was
// enough stays enough, and what was wrong stays wrong.
func FuzzStatus(f *testing.F) {
	for _, s := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 404\n", "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 500 X\r\n", "SSH-2.0\r\n", "HTTP/1.1 2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		code, known, err := status(head)
		if known && (code < 200 || code > 999 || err != nil) {
			t.Fatalf("%q: %d, %v", head, code, err)
		}
		for i := range head {
			c, k, e := status(head[:i])
			if k && (!known || c != code) || e != nil && err == nil {
				t.Fatalf("%q: %d %v %v, its first %d bytes: %d %v %v", head, code, known, err, i, c, k, e)
			}
		}
	})
}
