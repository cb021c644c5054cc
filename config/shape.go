package config

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"taskmaster/text"
)

const (
	maxDepth    = 64      // nesting of a tree; a configuration needs 6
	maxExpanded = 4 << 20 // nodes that the aliases of a file may stand for, in all
)

// shape checks what every tree must keep whatever its keys mean: depth, size
// of its aliases, keys that are text and come once, known tags.
type shape struct {
	r        *reader
	size     map[*yaml.Node]int // of anchored nodes, expanded; 0 while being walked
	expanded int
	broken   bool // too deep, too large or endless: the tree must not be walked again
}

// checkShape tells whether the tree may be walked.
func (r *reader) checkShape(root *yaml.Node) bool {
	s := shape{r: r, size: map[*yaml.Node]int{}}
	s.walk(root, 1)
	return !s.broken
}

// walk gives the number of nodes of n with its aliases expanded.
func (s *shape) walk(n *yaml.Node, depth int) int {
	switch {
	case s.broken:
		return 0
	case depth > maxDepth:
		return s.stop(n, "nested too deeply")
	case n.Kind == yaml.AliasNode:
		return s.alias(n)
	}
	if n.Anchor != "" {
		s.size[n] = 0
	}
	s.tag(n)
	if n.Kind == yaml.MappingNode {
		s.keys(n)
	}
	size := 1
	for _, c := range n.Content {
		size = min(size+s.walk(c, depth+1), maxExpanded)
	}
	if n.Anchor != "" {
		s.size[n] = size
	}
	return size
}

func (s *shape) stop(n *yaml.Node, msg string) int {
	s.broken = true
	s.r.report(n.Line, n.Column, "", msg)
	return 0
}

func (s *shape) alias(n *yaml.Node) int {
	size := s.size[n.Alias]
	if size == 0 {
		return s.stop(n, "*"+n.Value+" stands within itself")
	}
	if s.expanded += size; s.expanded >= maxExpanded {
		return s.stop(n, "the aliases (*name) stand for too much")
	}
	return size
}

// tag refuses explicit tags that mean nothing here.
func (s *shape) tag(n *yaml.Node) {
	switch n.Tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!merge", "!!map", "!!seq", "":
		return
	}
	s.r.report(n.Line, n.Column, "", "unknown tag "+n.Tag)
}

// fewKeys is up to how many keys comparing each with each is cheaper than a map.
const fewKeys = 16

// keys checks the keys of one mapping.
func (s *shape) keys(n *yaml.Node) {
	var seen map[string]*yaml.Node
	if len(n.Content) > 2*fewKeys {
		seen = make(map[string]*yaml.Node, len(n.Content)/2)
	}
	for i := 0; i < len(n.Content); i += 2 {
		key := deref(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			s.r.report(n.Content[i].Line, n.Content[i].Column, "", "a key must be text, not "+kindName(key))
			continue
		}
		if isMerge(key) {
			s.merge(n.Content[i+1])
		}
		first := seen[key.Value]
		if seen == nil {
			first = findKey(n.Content[:i], key.Value)
		}
		if first != nil {
			s.duplicate(n.Content[i], key.Value, first.Line)
		} else if seen != nil {
			seen[key.Value] = key
		}
	}
}

func (s *shape) duplicate(at *yaml.Node, key string, line int) {
	s.r.report(at.Line, at.Column, "", fmt.Sprintf("%s comes twice (first on line %d)", quote(untilEqual(key)), line))
}

func findKey(content []*yaml.Node, name string) *yaml.Node {
	for i := 0; i < len(content); i += 2 {
		if k := deref(content[i]); k.Kind == yaml.ScalarNode && k.Value == name {
			return k
		}
	}
	return nil
}

// merge checks the value of <<: a mapping, or a list of mappings.
func (s *shape) merge(n *yaml.Node) {
	v := deref(n)
	list := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		list = v.Content
	}
	for _, x := range list {
		if deref(x).Kind != yaml.MappingNode {
			s.broken = true
			s.r.report(n.Line, n.Column, "", "<< takes a mapping or a list of mappings, not "+kindName(deref(x)))
			return
		}
	}
}

// deref follows an alias to what it stands for.
func deref(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isMerge(key *yaml.Node) bool { return key.Tag == "!!merge" }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// kindName is what a person calls a node.
func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return "text"
}

// pairs is keys and values of a mapping in turn, aliases followed and << put
// in: its own keys first, then those of what it merges, the earlier winning.
func pairs(n *yaml.Node) []*yaml.Node {
	if !hasMerge(n) {
		return n.Content
	}
	seen := make(map[string]bool, len(n.Content))
	var out []*yaml.Node
	add := func(content []*yaml.Node) {
		for i := 0; i < len(content); i += 2 {
			if key := deref(content[i]); !isMerge(key) && !seen[key.Value] {
				seen[key.Value] = true
				out = append(out, content[i], content[i+1])
			}
		}
	}
	add(n.Content)
	for i := 0; i < len(n.Content); i += 2 {
		if isMerge(deref(n.Content[i])) {
			for _, m := range merged(n.Content[i+1]) {
				add(pairs(deref(m)))
			}
		}
	}
	return out
}

func hasMerge(n *yaml.Node) bool {
	for i := 0; i < len(n.Content); i += 2 {
		if isMerge(deref(n.Content[i])) {
			return true
		}
	}
	return false
}

func merged(n *yaml.Node) []*yaml.Node {
	if n = deref(n); n.Kind == yaml.SequenceNode {
		return n.Content
	}
	return []*yaml.Node{n}
}

// quote is a name or value as a message shows it: quoted, visible, not too long.
func quote(s string) string {
	const longest = 60
	if len(s) > longest {
		s = s[:byteOffset(s, longest-3)] + "..."
	}
	return `"` + strings.ReplaceAll(text.Visible(s), `"`, `\"`) + `"`
}
