// Package config turns the bytes of a configuration file into a complete,
// valid [Config], or into every fault they hold, each with file, line and
// column; and it tells two configurations apart.
//
// One table of fields ([programFields], [daemonFields], [outputFields],
// [limitTable]) says all there is to say about a field: its name, what it
// accepts, its default, its meaning, where it goes and whether a change of it
// needs another process. Reading, suggestions, the difference of two
// configurations, the JSON Schema, the reference and the starter file all come
// from that table, so they cannot drift.
//
// The way of a file: bytes (size, encoding, control bytes) → a tree of
// yaml.Node (one document) → the tree's shape (depth, aliases, duplicate keys,
// tags) → fields → templates (is every ${VAR} defined?) → warnings. A step that
// makes the next one senseless ends the way; within a step all faults are
// collected. Scalars are read as the text that was written and never through
// YAML's idea of a type: 022 is octal in a umask and text in env, 1:30 is no
// duration, no is false only where a boolean is wanted.
//
// Invariants: a Program is never changed after [Load]; no value of an
// environment variable ever appears in a message; nothing here knows running
// processes. Nothing is safe for concurrent use, and nothing needs to be.
package config
