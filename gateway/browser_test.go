package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// browser is a real Chromium, driven through a pipe by its DevTools protocol.
type browser struct {
	*world
	to      *os.File
	from    *bufio.Reader
	ids     int
	session string
	faults  []string // what the console has to say
}

type message struct {
	ID        int             `json:"id,omitempty"`
	Method    string          `json:"method,omitempty"`
	SessionID string          `json:"sessionId,omitempty"`
	Params    any             `json:"params,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     any             `json:"error,omitempty"`
}

func (w *world) browser() *browser {
	w.Helper()
	path := install(w.T, "chromium", "chromium")
	theirs, ours, err := os.Pipe()
	if err != nil {
		w.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		w.Fatal(err)
	}
	c := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--remote-debugging-pipe", "--user-data-dir="+w.path("chromium"), "about:blank")
	c.ExtraFiles, c.Stderr = []*os.File{theirs, out}, nil
	if err := c.Start(); err != nil {
		w.Fatal(err)
	}
	_, _ = theirs.Close(), out.Close() // its ends
	w.Cleanup(func() {
		_ = ours.Close() // it ends with its pipe
		ended := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		ended.Stop()
		_ = in.Close()
	})
	if err := in.SetReadDeadline(time.Now().Add(3 * patience)); err != nil {
		w.Fatal(err)
	}
	b := &browser{world: w, to: ours, from: bufio.NewReaderSize(in, 1<<20)}
	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var session struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session)
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// call asks for something and waits for the answer; what comes meanwhile is looked at for faults.
func (b *browser) call(method string, params, result any) {
	b.Helper()
	b.ids++
	line, err := json.Marshal(message{ID: b.ids, Method: method, SessionID: b.session, Params: params})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := b.to.Write(append(line, 0)); err != nil {
		b.Fatal(err)
	}
	for {
		line, err := b.from.ReadBytes(0)
		if err != nil {
			b.Fatalf("%s: %v", method, err)
		}
		var m message
		if err := json.Unmarshal(line[:len(line)-1], &m); err != nil {
			b.Fatal(err)
		}
		if m.Method == "Log.entryAdded" || m.Method == "Runtime.exceptionThrown" {
			b.faults = append(b.faults, string(line))
		}
		if m.ID != b.ids {
			continue
		}
		if m.Error != nil {
			b.Fatalf("%s: %v", method, m.Error)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.Fatal(err)
			}
		}
		return
	}
}

// eval is the value of an expression, as text.
func (b *browser) eval(expression string) string {
	b.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails any
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.Fatalf("%s: %v", expression, r.ExceptionDetails)
	}
	return fmt.Sprint(r.Result.Value)
}

func (b *browser) await(what, expression string) {
	b.Helper()
	for end := time.Now().Add(patience); b.eval("!!("+expression+")") != "true"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("it never came that %s; the page says\n%s\n%v", what, b.eval("document.body.innerText"), b.faults)
		}
	}
}

// size makes the window so many points wide, dark or light, and gives what is then wrong with the page.
func (b *browser) size(width, height int, scheme string) {
	b.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	if wide := b.eval("document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide != "0" {
		b.Errorf("at %d points the page is %s points too wide", width, wide)
	}
	small := `[...document.querySelectorAll("button")].filter(e => e.offsetParent && e.getBoundingClientRect().height < 32 && !e.classList.contains("name")).length`
	if n := b.eval(small); n != "0" {
		b.Errorf("at %d points %s buttons are too low for a finger", width, n)
	}
}

// picture is put where GATEWAY_PICTURES says, to be looked at.
func (b *browser) picture(name string) {
	b.Helper()
	dir := os.Getenv("GATEWAY_PICTURES")
	if dir == "" {
		return
	}
	var r struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &r)
	png, err := base64.StdEncoding.DecodeString(r.Data)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		b.Error(err)
	}
}

const evil = `  evil: {cmd: [printf, '<img src=x onerror="document.title=1"><script>document.title=2</script>\033[31mred\n'], oneshot: true}
  a-program-with-quite-a-long-name.that-has-to-be-broken_somewhere: {cmd: sleep 1000, starttime: 0.1}
`

const row = `[...document.querySelectorAll("li")].find(e => e.querySelector(".name").textContent === "%s")`

// button is an expression for one of the buttons of a program.
func button(name, label string) string {
	return fmt.Sprintf(`[...(`+row+`).querySelectorAll(".orders button")].find(e => !e.hidden && e.textContent === "%s")`, name, label)
}

func stateOf(name string) string {
	return fmt.Sprintf(`(`+row+` || document.body).querySelector(".state").textContent`, name)
}

func TestPageInChromium(t *testing.T) {
	t.Parallel()
	w := begin(t, programs+evil)
	w.write("auth", "me:secret\n")
	w.serve("--listen", "127.0.0.1:PORT", "--auth", "DIR/auth")
	w.awaitState("web:1", "RUNNING")
	b := w.browser()
	b.call("Page.navigate", map[string]any{"url": "http://me:secret@" + w.gateway + "/"}, nil)
	b.await("the page is there", `document.querySelectorAll("li").length === 10`)
	b.await("the state is shown", stateOf("web:1")+` === "RUNNING"`)
	b.orders()
	b.outputs()
	b.size(1280, 900, "light")
	b.picture("desktop")
	b.size(360, 740, "dark")
	b.picture("phone")
	b.eval(fmt.Sprintf("("+row+`).querySelector(".name").click()`, "tick")) // closes it
	b.size(1280, 900, "dark")
	b.picture("desktop-list")
	b.size(360, 1600, "light")
	b.picture("phone-list")
	if title := b.eval("document.title"); title != "Taskmaster" {
		t.Errorf("a program's output was taken for code: the title is %s", title)
	}
	if len(b.faults) > 0 {
		t.Errorf("the console says %s", strings.Join(b.faults, "\n"))
	}
	b.goneAndBack()
}

func (b *browser) orders() {
	b.Helper()
	b.eval(button("manual", "Start") + ".click()")
	b.await("manual runs", stateOf("manual")+` === "RUNNING"`)
	b.eval(button("manual", "Stop") + ".click()")
	b.await("it asks first", button("manual", "Stop?"))
	b.eval(button("manual", "Stop?") + ".click()")
	b.await("manual is stopped", stateOf("manual")+` === "STOPPED"`)
	b.eval(button("bad", "Start") + ".click()")
	b.await("bad has failed, and the page says why", stateOf("bad")+` === "FATAL"`)
	b.await("it was said", `document.getElementById("said").textContent.includes("exited too quickly")`)
	before := strings.TrimSpace(b.ctl("pid", "tick"))
	b.eval(button("tick", "Restart") + ".click()")
	b.eval(button("tick", "Restart?") + ".click()")
	b.until("it was restarted", func() bool { now := strings.TrimSpace(b.ctl("pid", "tick")); return now != before && now != "0" })
	b.ctl("stop", "hup") // by somebody else
	b.await("the page hears of it", stateOf("hup")+` === "STOPPED"`)
}

func (b *browser) outputs() {
	b.Helper()
	open := func(name string) { b.eval(fmt.Sprintf("("+row+`).querySelector(".name").click()`, name)) }
	open("evil")
	b.await("the output is text", `document.querySelector("pre").textContent === '<img src=x onerror="document.title=1"><script>document.title=2</script>\\x1b[31mred\n'`)
	open("web:0")
	b.await("the other output", `document.querySelectorAll("pre").length === 1 && document.querySelector("pre").textContent.includes("hello 0")`)
	b.eval(`[...document.querySelectorAll(".tabs button")].find(e => e.textContent === "stderr").click()`)
	b.await("stderr", `document.querySelector("pre").textContent.includes("trouble")`)
	open("tick")
	b.await("it follows", `document.querySelector("pre").textContent.split("tick").length > 12`)
	b.eval(`(e => { e.value = "web"; e.oninput(); })(document.getElementById("filter"))`)
	b.await("it filters", `[...document.querySelectorAll("li")].filter(e => e.offsetParent).length === 2`)
	b.eval(`(e => { e.value = ""; e.oninput(); })(document.getElementById("filter"))`)
}

func (b *browser) goneAndBack() {
	b.Helper()
	b.ctl("shutdown")
	b.await("the page misses the daemon", `!document.getElementById("away").hidden`)
	b.daemon()
	b.await("the page sees that it is back", `document.getElementById("away").hidden && `+stateOf("web:0")+` === "RUNNING"`)
}
