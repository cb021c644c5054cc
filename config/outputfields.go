package config

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// outputFields is the table of all fields of stdout or stderr as a mapping.
var outputFields = []field[outputDraft]{
	{
		spec: spec{
			name: "path", kind: kindPath, def: "<required>", example: "web.{num}.log", also: "file filename",
			doc: "As stdout itself: a path, or one of its words.",
		},
		read: func(a at, n *yaml.Node, d *outputDraft) { a.target(n, d) },
		same: func(a, b *outputDraft) bool { return a.Path == b.Path && a.Kind == b.Kind },
	},
	{
		spec: spec{
			name: "maxbytes", kind: kindSize, def: "0", example: "10MiB", also: "max_bytes max_size",
			doc: "The size at which the file is rotated; 0 is never.",
		},
		read: func(a at, n *yaml.Node, d *outputDraft) { d.only(a, forFile); a.size(n, &d.MaxBytes) },
		same: func(a, b *outputDraft) bool { return a.MaxBytes == b.MaxBytes },
	},
	{
		spec: spec{
			name: "backups", kind: kindInt, max: maxBackups, def: "3", example: "10",
			doc: "How many rotated files are kept.",
		},
		read: func(a at, n *yaml.Node, d *outputDraft) { d.only(a, forFile); a.int(n, &d.Backups) },
		same: func(a, b *outputDraft) bool { return a.Backups == b.Backups },
	},
	{
		spec: spec{
			name: "compress", kind: kindBool, def: "false", example: "true",
			doc: "Rotated files are compressed with gzip.",
		},
		read: func(a at, n *yaml.Node, d *outputDraft) { d.only(a, forFile); a.bool(n, &d.Compress) },
		same: func(a, b *outputDraft) bool { return a.Compress == b.Compress },
	},
	{
		spec: spec{
			name: "timestamp", kind: kindBool, def: "false", example: "true",
			doc: "Each line begins with its time.",
		},
		read: func(a at, n *yaml.Node, d *outputDraft) { d.only(a, forLines); a.bool(n, &d.Timestamp) },
		same: func(a, b *outputDraft) bool { return a.Timestamp == b.Timestamp },
	},
	{
		spec: spec{
			name: "prefix", kind: kindText, def: `""`, example: `"{name}:{num} "`,
			doc: "Each line begins with this.",
		},
		read: func(a at, n *yaml.Node, d *outputDraft) { d.only(a, forLines); a.prefix(n, &d.Prefix) },
		same: func(a, b *outputDraft) bool { return a.Prefix == b.Prefix },
	},
	{
		spec: spec{
			name: "mode", kind: kindOctal, max: 0o777, def: `"0640"`, example: `"0600"`,
			doc: "The permissions of a file that is made, whatever the umask.",
		},
		read: func(a at, n *yaml.Node, d *outputDraft) {
			d.only(a, forFile)
			a.octal(n, func(v int64) { d.Mode = uint32(v) })
		},
		same: func(a, b *outputDraft) bool { return a.Mode == b.Mode },
	},
}

// maxPrefix is the longest prefix of lines, in bytes.
const maxPrefix = 256

// outputDraft is an Output that is being read, with the keys that only some
// kinds of output have.
type outputDraft struct {
	Output
	given    bool // path is there
	fileOnly []at // the keys that want a file
	lineOnly []at // the keys that want a file or the daemon's output
	words    []string
}

// What a key of an output wants of its kind.
const (
	forFile = iota
	forLines
)

func (d *outputDraft) only(a at, want int) {
	if want == forFile {
		d.fileOnly = append(d.fileOnly, a)
	} else {
		d.lineOnly = append(d.lineOnly, a)
	}
}

// newFile is what a path means that says no more.
func newFile() Output { return Output{Kind: ToFile, Backups: 3, Mode: 0o640} }

// output reads stdout or stderr.
func (a at) output(n *yaml.Node, to *Output, where *place) {
	*where = place{a, n}
	d := outputDraft{Output: newFile(), words: a.spec.words}
	v := deref(n)
	switch {
	case v.Kind == yaml.MappingNode:
		readFields(a, n, outputFields, &d)
		if !d.given {
			a.fail(n, "path is missing")
		}
		d.check()
	default:
		a.target(n, &d)
	}
	if d.Kind != ToFile && d.Kind != Inherit {
		d.Output = Output{Kind: d.Kind}
	}
	*to = d.Output
}

// target reads the path of an output, or the word that stands for one.
func (a at) target(n *yaml.Node, d *outputDraft) {
	d.given = true
	s, ok := a.pathText(n)
	if !ok {
		return
	}
	if i := slices.Index(d.words, s); i < 0 {
		d.Path = a.r.src.resolve(s)
	} else {
		d.Kind = [...]OutputKind{Capture, ToNull, Inherit, AsStdout}[i]
	}
}

// check reports keys that mean nothing for this kind of output.
func (d *outputDraft) check() {
	if d.Kind == ToFile {
		return
	}
	for _, a := range d.fileOnly {
		a.fail(a.key, "only a file has it")
	}
	if d.Kind == Inherit {
		d.MaxBytes, d.Backups, d.Compress, d.Mode = 0, 0, false, 0
		return
	}
	for _, a := range d.lineOnly {
		a.fail(a.key, "only a file and inherit have it")
	}
}

// prefix reads the beginning of lines.
func (a at) prefix(n *yaml.Node, to *string) {
	s, ok := a.scalar(n)
	switch {
	case !ok:
	case strings.ContainsAny(s, "\r\n"):
		a.fail(n, "must be within one line")
	case len(s) > maxPrefix:
		a.fail(n, "must be at most %d bytes", maxPrefix)
	default:
		*to = s
	}
}
