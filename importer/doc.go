// Package importer makes a configuration of ours out of one of supervisord's.
//
// It is pure: bytes in, YAML and remarks out; whoever calls hands in how files
// are read. It reads as supervisord 4 does, so that what supervisord understands
// is understood alike: Python's ConfigParser (ini.go), its % formatting
// (format.go), its shlex for commands (words.go) and its other shlex for
// environment= (environ.go). What runs afterwards should behave as before; where
// our default differs, supervisord's is written out, and what cannot be had is
// named in a comment and in a [Remark], never dropped in silence.
package importer
