// Taskmaster-gateway connects to a daemon's control socket and serves supervisord's
// XML-RPC interface, Prometheus metrics and a status page over HTTP.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"taskmaster/gateway/guard"
	"taskmaster/gateway/link"
	"taskmaster/gateway/server"
	"taskmaster/gateway/supervisor"
)

const usage = `usage: taskmaster-gateway [FLAG…]

Serves a running daemon over HTTP: supervisord's XML-RPC at /RPC2 (for supervisorctl
and all that speaks to supervisord), Prometheus metrics at /metrics, a status page at /.

`

// version is set by the linker.
var version = "dev"

// options are the command line.
type options struct {
	socket     string
	listen     list
	auth       string
	readers    string
	unixAuth   bool
	socketMode string
	readOnly   bool
	hosts      list
	user       string
	allowRoot  bool
	identifier string
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string     { return strings.Join(*l, " ") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	o, err := parse(args, out, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case o == nil:
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	defer stop()
	if err := o.serve(ctx, log.New(errs, "", log.LstdFlags)); err != nil {
		_, _ = fmt.Fprintln(errs, "taskmaster-gateway:", err) // there is nowhere else to say it
		return 1
	}
	return 0
}

// parse gives nil without an error when all was said already.
func parse(args []string, out, errs io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("taskmaster-gateway", flag.ContinueOnError)
	f.SetOutput(errs)
	f.Usage = func() {
		_, _ = io.WriteString(f.Output(), usage)
		f.PrintDefaults()
	}
	told := f.Bool("version", false, "print the version")
	f.StringVar(&o.socket, "s", "taskmaster.sock", "the daemon's control `socket`")
	f.Var(&o.listen, "listen", "`address` to serve at: HOST:PORT or unix:PATH; may be given several times (default 127.0.0.1:9001)")
	f.StringVar(&o.auth, "auth", "", "`file` of NAME:PASSWORD lines: who may control")
	f.StringVar(&o.readers, "auth-read", "", "`file` of NAME:PASSWORD lines: who may look")
	f.BoolVar(&o.unixAuth, "unix-auth", false, "ask for passwords on Unix sockets, too")
	f.StringVar(&o.socketMode, "socketmode", "0600", "octal `mode` of Unix sockets that are served at: who may connect may control")
	f.BoolVar(&o.readOnly, "read-only", false, "nobody may control")
	f.Var(&o.hosts, "host", "further `name` of this server, as requests say it; may be given several times")
	f.StringVar(&o.user, "user", "", "`name` of the user to become once the addresses are open")
	f.BoolVar(&o.allowRoot, "allow-root", false, "stay root")
	f.StringVar(&o.identifier, "identifier", "supervisor", "the `name` that getIdentification gives")
	if len(args) > 0 && (args[0] == "-h" || args[0] == "--help") {
		f.SetOutput(out)
	}
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if *told {
		_, err := fmt.Fprintln(out, "taskmaster-gateway", version)
		return nil, err
	}
	if f.NArg() > 0 {
		_, _ = fmt.Fprintf(errs, "taskmaster-gateway: what is %q?\n", f.Arg(0))
		return nil, errors.New("too many words")
	}
	if len(o.listen) == 0 {
		o.listen = list{"127.0.0.1:9001"}
	}
	return o, nil
}

func (o *options) rules() (*guard.Rules, error) {
	r := &guard.Rules{Sockets: o.unixAuth, ReadOnly: o.readOnly}
	for _, h := range o.hosts {
		r.Hosts = append(r.Hosts, strings.ToLower(h))
	}
	var err error
	if o.auth != "" {
		if r.Control, err = guard.LoadAccounts(o.auth); err != nil {
			return nil, err
		}
	}
	if o.readers != "" {
		if r.Readers, err = guard.LoadAccounts(o.readers); err != nil {
			return nil, err
		}
	}
	if o.unixAuth && r.Control == nil && r.Readers == nil {
		return nil, errors.New("--unix-auth needs --auth or --auth-read")
	}
	return r, nil
}

func (o *options) serve(ctx context.Context, logger *log.Logger) error {
	if err := checkUser(o.user, o.allowRoot); err != nil {
		return err
	}
	rules, err := o.rules()
	if err != nil {
		return err
	}
	places, err := o.open(rules)
	if err != nil {
		return err
	}
	if err := becomeUser(o.user, o.listen); err != nil {
		return err
	}
	client := &link.Client{Socket: o.socket}
	if conn, err := client.Dial(ctx); err != nil {
		logger.Printf("%v; served all the same, until it comes", err)
	} else {
		conn.Close()
	}
	s := &server.Server{Link: client, Service: supervisor.NewService(client, o.identifier), Rules: rules, Log: logger}
	return serveAll(ctx, s, places, logger)
}

func (o *options) open(rules *guard.Rules) ([]*guard.Place, error) {
	mode, err := strconv.ParseUint(o.socketMode, 8, 32)
	if err != nil || mode > 0o777 {
		return nil, fmt.Errorf("--socketmode %s is no mode", o.socketMode)
	}
	var places []*guard.Place
	for _, address := range o.listen {
		p, err := guard.Listen(address, os.FileMode(mode), rules.Control != nil || rules.Readers != nil)
		if err != nil {
			return nil, err
		}
		places = append(places, p)
	}
	return places, nil
}

// serveAll ends when ctx does, or when one place can not be served any more.
func serveAll(ctx context.Context, s *server.Server, places []*guard.Place, logger *log.Logger) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	for _, p := range places {
		logger.Printf("serving at %s", p.Addr())
		all.Go(func() {
			if err := s.Serve(ctx, p); err != nil {
				cancel(fmt.Errorf("%s: %w", p.Addr(), err))
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
