package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"taskmaster/control"
	"taskmaster/gateway/link"
)

// readMax is how many bytes of a log one call gives at most.
const readMax = 8 << 20

// part is some bytes of a log, and how long the whole is.
type part struct {
	data []byte
	size int64
}

// read gives length bytes from offset on (0 is all, a negative offset counts from the
// end) of one output, or without target of the daemon's log.
func (s *Service) read(ctx context.Context, offset, length int64, target ...string) (out part, err error) {
	for {
		results, err := s.link.Do(ctx, append(link.Command{"read", "--", strconv.FormatInt(offset, 10), strconv.FormatInt(length, 10)}, target...))
		if err != nil {
			return out, err
		}
		r := &results[0]
		if len(r.Errors) > 0 {
			return out, readFault(r.Errors[0])
		}
		var at control.Part
		if len(r.Lines) == 0 || json.Unmarshal([]byte(r.Lines[0]), &at) != nil {
			return out, errors.New("a part of a log without its place")
		}
		out.data, out.size = append(out.data, r.Data...), at.Size
		offset = at.Offset + int64(len(r.Data))
		if length > 0 {
			if length -= int64(len(r.Data)); length <= 0 {
				return out, nil
			}
		}
		if len(r.Data) == 0 || offset >= at.Size || len(out.data) >= readMax {
			return out, nil
		}
	}
}

func readFault(message string) error {
	code := refused(message, Failed)
	if strings.Contains(message, "no such file") {
		code = NoFile
	}
	return fault(code, strings.TrimSuffix(strings.TrimPrefix(message, "ERROR ("), ")"))
}

// text reads as supervisord's readFile does.
func (s *Service) text(ctx context.Context, offset, length int, target ...string) (any, error) {
	if length < 0 || offset < 0 && length != 0 {
		return nil, fault(BadArguments, "")
	}
	p, err := s.read(ctx, int64(offset), int64(length), target...)
	if err != nil {
		return nil, err
	}
	return link.VisibleText(p.data), nil
}

func (s *Service) readLog(ctx context.Context, a args) (any, error) {
	return s.text(ctx, a.number(0), a.number(1))
}

// Target is the daemon's name for a process.
func (s *Service) Target(ctx context.Context, name string) (string, error) {
	p, err := s.process(ctx, name)
	if err != nil {
		return "", err
	}
	return p.Name, nil
}

func (s *Service) process(ctx context.Context, name string) (*link.Process, error) {
	snap, err := s.link.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	p := find(snap, name)
	if p == nil {
		return nil, fault(BadName, name)
	}
	return p, nil
}

func (s *Service) readProcessLog(stream string) method {
	return func(ctx context.Context, a args) (any, error) {
		name, err := s.Target(ctx, a.text(0))
		if err != nil {
			return nil, err
		}
		return s.text(ctx, a.number(1), a.number(2), name, stream)
	}
}

// tailProcessLog is supervisord's tailFile: the last bytes, the place for the next call,
// and whether something was skipped.
func (s *Service) tailProcessLog(stream string) method {
	return func(ctx context.Context, a args) (any, error) {
		name, err := s.Target(ctx, a.text(0))
		if err != nil {
			return nil, err
		}
		end, err := s.read(ctx, -1, 0, name, stream)
		if f := asFault(err); f != nil && f.Code == NoFile {
			return []any{"", 0, false}, nil
		}
		if err != nil {
			return nil, err
		}
		offset, length, overflow := window(int64(a.number(1)), int64(a.number(2)), end.size)
		if length == 0 {
			return []any{"", int(end.size), overflow}, nil
		}
		p, err := s.read(ctx, offset, length, name, stream)
		if err != nil {
			return nil, err
		}
		return []any{link.VisibleText(p.data), int(end.size), overflow}, nil
	}
}

// window is what supervisord makes of an offset and a length in a log of so many bytes.
func window(offset, length, size int64) (from, n int64, overflow bool) {
	length = min(length, readMax)
	offset = min(offset, size+1)
	if size > offset+length {
		overflow = true
		offset = size - 1
	}
	if offset+length > size {
		if offset > size-1 {
			length = 0
		}
		offset = size - length
	}
	return max(offset, 0), max(length, 0), overflow
}

func (s *Service) clearLog(ctx context.Context, _ args) (any, error) {
	results, err := s.link.Do(ctx, link.Command{"clear"})
	if err != nil {
		return nil, err
	}
	if e := results[0].Errors; len(e) > 0 {
		return nil, readFault(e[0])
	}
	return true, nil
}

func (s *Service) clearProcessLogs(ctx context.Context, a args) (any, error) {
	p, err := s.process(ctx, a.text(0))
	if err != nil {
		return nil, err
	}
	out, err := s.carryOut(ctx, "clear", nil, []*link.Process{p})
	if err != nil {
		return nil, err
	}
	return true, out[0].fault()
}

func (s *Service) clearAllProcessLogs(ctx context.Context, _ args) (any, error) {
	return s.all(ctx, "clear", nil)
}
