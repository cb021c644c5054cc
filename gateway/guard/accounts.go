// Package guard keeps the door: who may connect, from where, and for what.
package guard

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"
)

// Accounts are the names and passwords of a file. Each line is NAME:PASSWORD, the
// password as it is or as bcrypt writes it (htpasswd -B); # begins a comment.
type Accounts struct {
	hashes map[string]string
	slow   string // one of those that bcrypt wrote, to be compared with what nobody's password is
	key    []byte // of seen
	mu     sync.Mutex
	seen   map[[sha256.Size]byte]bool // that bcrypt found right once: it is slow on purpose
}

// maxSeen is how many right passwords are remembered.
const maxSeen = 1000

// LoadAccounts reads a file, which nobody but its owner and group may read or write.
func LoadAccounts(path string) (*Accounts, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := st.Mode().Perm(); mode&0o027 != 0 {
		return nil, fmt.Errorf("%s has mode %04o: others can read it, or more than its owner can write it; try 0600", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a, err := parseAccounts(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

func parseAccounts(text []byte) (*Accounts, error) {
	a := &Accounts{hashes: map[string]string{}, key: make([]byte, 32), seen: map[[sha256.Size]byte]bool{}}
	if _, err := rand.Read(a.key); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, password, ok := strings.Cut(line, ":")
		if !ok || name == "" || password == "" {
			return nil, fmt.Errorf("line %d is not NAME:PASSWORD", n)
		}
		a.hashes[name] = password
		if strings.HasPrefix(password, "$2") {
			a.slow = password
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(a.hashes) == 0 {
		return nil, errors.New("no account in it")
	}
	return a, nil
}

// Admits tells whether the password is that of name. What it takes does not tell whether
// there is such a name, or how much of a password was right.
func (a *Accounts) Admits(name, password string) bool {
	if a == nil {
		return false
	}
	want, known := a.hashes[name]
	if !known {
		want = cmp.Or(a.slow, "\x00") // nobody's
	}
	if strings.HasPrefix(want, "$2") {
		return a.admitsHash(name, password, want, known)
	}
	got, right := a.digest(name, password), a.digest(name, want)
	return subtle.ConstantTimeCompare(got[:], right[:]) == 1 && known
}

func (a *Accounts) admitsHash(name, password, hash string, known bool) bool {
	digest := a.digest(name, password)
	a.mu.Lock()
	seen := a.seen[digest]
	a.mu.Unlock()
	if seen {
		return true
	}
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil || !known {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) >= maxSeen {
		clear(a.seen)
	}
	a.seen[digest] = true
	return true
}

// digest makes words comparable that are of different lengths, and none the wiser who sees it.
func (a *Accounts) digest(name, password string) (out [sha256.Size]byte) {
	mac := hmac.New(sha256.New, a.key)
	mac.Write([]byte(name + "\x00" + password))
	mac.Sum(out[:0])
	return out
}
