package link

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"taskmaster/control"
)

// Process is one instance, with its counters.
type Process struct {
	control.Row
	Stats control.Stats
}

// Short is its name within its program: that of the program when it is the only
// instance, else its number. Program and Short are supervisord's group and process.
func (p *Process) Short() string {
	if p.Name == p.Program {
		return p.Program
	}
	return strconv.Itoa(p.Instance)
}

// Snapshot is everything at one moment.
type Snapshot struct {
	Daemon    control.DaemonStats
	Processes []Process // in the order of the configuration
	Took      time.Duration
}

// Snapshot asks for the state and the counters of everything.
func (c *Client) Snapshot(ctx context.Context) (*Snapshot, error) {
	began := time.Now()
	results, err := c.Do(ctx, Command{"status"}, Command{"stats"})
	if err != nil {
		return nil, err
	}
	s := &Snapshot{Took: time.Since(began)}
	return s, s.fill(results[0].Rows, &results[1])
}

func (s *Snapshot) fill(rows []control.Row, stats *Result) error {
	if len(stats.Lines) == 0 {
		return fmt.Errorf("the daemon has no stats: %v", stats.Errors)
	}
	if err := json.Unmarshal([]byte(stats.Lines[0]), &s.Daemon); err != nil {
		return err
	}
	type key struct {
		program  string
		instance int
	}
	byKey := map[key]control.Stats{}
	for _, line := range stats.Lines[1:] {
		var st control.Stats
		if err := json.Unmarshal([]byte(line), &st); err != nil {
			return err
		}
		byKey[key{st.Program, st.Instance}] = st
	}
	for _, row := range rows {
		s.Processes = append(s.Processes, Process{row, byKey[key{row.Program, row.Instance}]})
	}
	return nil
}

// usageBatch is of how many processes memory and processor time are asked for at once: the
// daemon looks at each, and serves others in between.
const usageBatch = 32

// AddUsage asks for memory and processor time of those that run.
func (s *Snapshot) AddUsage(ctx context.Context, c *Client) error {
	byName := map[string]*Process{}
	var names []string
	for i := range s.Processes {
		if p := &s.Processes[i]; p.PID != 0 {
			names, byName[p.Name] = append(names, p.Name), p
		}
	}
	for batch := range slices.Chunk(names, usageBatch) {
		results, err := c.Do(ctx, append(Command{"stats", "--usage"}, batch...))
		if err != nil {
			return err
		}
		for _, line := range results[0].Lines {
			var st control.Stats
			if err := json.Unmarshal([]byte(line), &st); err != nil {
				return err
			}
			if p := byName[st.Name]; p != nil {
				p.Stats.Usage = st.Usage
			}
		}
	}
	return nil
}

// Settings gives what is configured: in force, or as the file says it now.
func (c *Client) Settings(ctx context.Context, file bool) ([]control.Settings, error) {
	words := Command{"settings"}
	if file {
		words = append(words, "--file")
	}
	results, err := c.Do(ctx, words)
	if err != nil {
		return nil, err
	}
	if len(results[0].Errors) > 0 {
		return nil, fmt.Errorf("%s", results[0].Errors[0])
	}
	out := make([]control.Settings, len(results[0].Lines))
	for n, line := range results[0].Lines {
		if err := json.Unmarshal([]byte(line), &out[n]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
