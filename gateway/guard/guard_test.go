package guard

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

func accounts(t *testing.T, text string) *Accounts {
	t.Helper()
	a, err := parseAccounts([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAccounts(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("right"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	a := accounts(t, "# people\n\n plain:with: colon \nhashed:"+string(hash)+"\n")
	for words, want := range map[string]bool{
		"plain/with: colon": true, "plain/with": false, "plain/": false, "nobody/": false, "nobody/\x00": false, "/": false,
		"hashed/right": true, "hashed/wrong": false, "plain/right": false, "hashed/" + string(hash): false,
	} {
		name, password, _ := strings.Cut(words, "/")
		for range 2 { // the second time bcrypt may not be asked
			if a.Admits(name, password) != want {
				t.Errorf("%q: %v", words, !want)
			}
		}
	}
	if (*Accounts)(nil).Admits("", "") {
		t.Error("nobody's accounts admit somebody")
	}
	for _, text := range []string{"", "# nobody\n", "name\n", "name:\n", ":password\n"} {
		if _, err := parseAccounts([]byte(text)); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestAccountsOfOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(path, []byte("a:b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o640: true, 0o400: true, 0o644: false, 0o660: false, 0o604: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadAccounts(path); (err == nil) != good {
			t.Errorf("%04o: %v", mode, err)
		}
	}
}

// attempt is one request, and what becomes of it.
type attempt struct {
	name   string
	method string
	host   string
	set    []string // header, value, …
	unix   bool
	code   int
	allow  bool // control
}

// What the attempts say of who they come from.
var (
	root = []string{"Authorization", "Basic cm9vdDp4"}
	eve  = []string{"Authorization", "Basic ZXZlOnk="}
	page = []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}
)

func with(a []string, more ...string) []string { return append(append([]string{}, a...), more...) }

// fullAttempts are those on a server with accounts for both, and a name.
var fullAttempts = []attempt{
	{name: "nobody", host: "localhost", code: 401},
	{name: "root", host: "localhost", set: root, code: 200, allow: true},
	{name: "reader", host: "localhost", set: eve, code: 200},
	{name: "wrong", host: "localhost", set: []string{"Authorization", "Basic eDp5"}, code: 401},
	{name: "bearer", host: "localhost", set: []string{"Authorization", "Bearer x"}, code: 401},
	{name: "further name", host: "TM.example:443", set: root, code: 200, allow: true},
	{name: "subdomain", host: "a.tm.example", set: root, code: 421},
	{name: "socket", unix: true, code: 200, allow: true},
	{name: "own page", method: "POST", host: "localhost:9001", set: with(root, "Origin", "http://localhost:9001", "Sec-Fetch-Site", "same-origin"), code: 200, allow: true},
	{name: "other origin", method: "POST", host: "localhost:9001", set: with(root, "Origin", "http://localhost:8000"), code: 403},
	{name: "null origin", method: "POST", host: "localhost:9001", set: with(root, "Origin", "null"), code: 403},
	{name: "other site", method: "POST", host: "localhost:9001", set: with(root, "Sec-Fetch-Site", "cross-site"), code: 403},
	{name: "same site, other host", method: "POST", host: "localhost:9001", set: with(root, "Sec-Fetch-Site", "same-site"), code: 403},
	{name: "other site's script", host: "localhost:9001", set: with(root, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"), code: 403},
	{name: "link from elsewhere", host: "localhost:9001", set: with(root, page...), code: 200, allow: true},
	{name: "form from elsewhere", method: "POST", host: "localhost:9001", set: with(root, page...), code: 403},
	{name: "frame elsewhere", host: "localhost:9001", set: with(root, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"), code: 403},
}

func TestRules(t *testing.T) {
	full := &Rules{Control: accounts(t, "root:x\n"), Readers: accounts(t, "eve:y\n"), Hosts: []string{"tm.example"}}
	for rules, attempts := range map[*Rules][]attempt{
		full: fullAttempts,
		{}: {
			{name: "open loopback", host: "localhost:9001", code: 200},
			{name: "socket", host: "", unix: true, code: 200, allow: true},
			{name: "socket with any host", host: "x.example", unix: true, code: 200, allow: true},
			{name: "rebound name", host: "evil.example:9001", code: 421},
			{name: "no host", host: "", code: 421},
			{name: "address", host: "127.0.0.1:9001", code: 200},
			{name: "IPv6", host: "[::1]:9001", code: 200},
			{name: "other site on the socket", method: "POST", unix: true, set: []string{"Origin", "https://evil.example"}, code: 403},
		},
		{ReadOnly: true}: {
			{name: "read-only socket", unix: true, code: 200},
		},
		{Control: full.Control, Sockets: true}: {
			{name: "socket with password", unix: true, set: root, code: 200, allow: true},
			{name: "socket without", unix: true, code: 401},
		},
	} {
		for _, a := range attempts {
			a.check(t, rules)
		}
	}
}

func (a *attempt) check(t *testing.T, rules *Rules) {
	t.Helper()
	place := &Place{Unix: a.unix}
	if !a.unix {
		place.Hosts = hosts("127.0.0.1:9001", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9001})
	}
	allowed := false
	h := rules.Wrap(place, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		rights := RightsOf(r)
		if allowed = rights.Control; !allowed && rights.Why == "" {
			t.Errorf("%s: no reason", a.name)
		}
	}))
	if a.method == "" {
		a.method = "GET"
	}
	r := httptest.NewRequest(a.method, "http://x/", nil)
	r.Host = a.host
	for i := 0; i < len(a.set); i += 2 {
		r.Header.Set(a.set[i], a.set[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != a.code || allowed != a.allow {
		t.Errorf("%s: %d, control %v, want %d, %v", a.name, w.Code, allowed, a.code, a.allow)
	}
	if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("%s: unsafe headers %v", a.name, w.Header())
	}
}

func TestListen(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		address string
		open    bool
		good    bool
	}{
		{"127.0.0.1:0", false, true},
		{"localhost:0", false, true},
		{"0.0.0.0:0", false, false},
		{":0", false, false},
		{":0", true, true},
		{"nonsense", false, false},
		{"unix:" + dir + "/a", false, true},
		{dir + "/b", false, true},
		{"unix://" + dir + "/file", false, false},
		{"unix:" + dir + "/none/c", false, false},
	} {
		p, err := Listen(c.address, 0o600, c.open)
		if (err == nil) != c.good {
			t.Errorf("%s: %v", c.address, err)
		}
		if err == nil {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := Listen(path, 0o640, false)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	go func() {
		for {
			conn, err := first.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	if _, err := Listen(path, 0o600, false); err == nil || !strings.Contains(err.Error(), "somebody answers") {
		t.Errorf("a live one was replaced: %v", err)
	}
	first.Listener.(*limited).Listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Listen(path, 0o600, false)
	if err != nil {
		t.Fatalf("a stale one: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
