package supervisor

import (
	"context"
	"time"
)

// typeTime is how long a program may take to read what is typed.
const typeTime = 30 * time.Second

// sendProcessStdin types into a program that has a terminal (tty: true). The others have
// /dev/null as their standard input: a fault, as of a program that has closed it.
func (s *Service) sendProcessStdin(ctx context.Context, a args) (any, error) {
	p, err := s.process(ctx, a.text(0))
	if err != nil {
		return nil, err
	}
	if p.PID == 0 || !alive(&p.Row) {
		return nil, fault(NotRunning, a.text(0))
	}
	ctx, cancel := context.WithTimeout(ctx, typeTime)
	defer cancel()
	taken, err := s.typeInto(ctx, p.Name, []byte(a.text(1)))
	switch {
	case err != nil:
		return nil, err
	case !taken:
		return nil, fault(NoFile, a.text(0))
	}
	return true, nil
}

// typeInto gives false when the program has no terminal, or leaves what was typed.
func (s *Service) typeInto(ctx context.Context, name string, text []byte) (taken bool, err error) {
	conn, err := s.link.Dial(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	id, err := conn.Send("attach", "--take", "-n", "0", name)
	if err != nil {
		return false, err
	}
	for typed := false; ; {
		reply, err := conn.Next()
		switch {
		case ctx.Err() == context.DeadlineExceeded:
			return false, nil
		case err != nil:
			return false, err
		case reply.Ack:
			return true, nil
		case reply.Done, !reply.TTY && !typed: // the first reply says whether there is a terminal
			return false, nil
		case !typed:
			if err := conn.Input(id, text); err != nil {
				return false, err
			}
			typed = true
		}
	}
}
