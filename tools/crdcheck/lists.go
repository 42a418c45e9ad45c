package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// A document is a JSON Schema, as far as lists are concerned.
type document struct {
	node
	Definitions map[string]*node `json:"$defs"`
}

type node struct {
	Reference  string           `json:"$ref"`
	Properties map[string]*node `json:"properties"`
	Items      *node            `json:"items"`
	Values     json.RawMessage  `json:"additionalProperties"` // a schema, or false
	Keys       []string         `json:"x-kubernetes-list-map-keys"`

	values *node
}

// What stands for a key that an entry leaves out.
// Source: k8s.io/api v0.37 core/v1/types.go, `+default="TCP"` of ContainerPort and ServicePort
var keyDefaults = map[string]any{"protocol": "TCP"}

func loadDocument(path string) (*document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := &document{}
	if err := json.Unmarshal(text, read); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	read.parseValues()
	for _, definition := range read.Definitions {
		definition.parseValues()
	}
	return read, nil
}

func (n *node) parseValues() {
	if len(n.Values) > 0 && n.Values[0] == '{' && json.Unmarshal(n.Values, &n.values) == nil {
		n.values.parseValues()
	}
	if n.Items != nil {
		n.Items.parseValues()
	}
	for _, member := range n.Properties {
		member.parseValues()
	}
}

// duplicates finds entries with the same key in lists that a server-side apply merges by key: it refuses those.
func (d *document) duplicates(object map[string]any) []finding {
	return d.walk(&d.node, "", object)
}

func (d *document) walk(at *node, path string, value any) []finding {
	for at != nil && at.Reference != "" {
		at = d.Definitions[strings.TrimPrefix(at.Reference, "#/$defs/")]
	}
	if at == nil {
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		return d.walkMembers(at, path, value)
	case []any:
		found := repeated(at.Keys, path, value)
		for index, entry := range value {
			found = append(found, d.walk(at.Items, fmt.Sprintf("%s[%d]", path, index), entry)...)
		}
		return found
	}
	return nil
}

func (d *document) walkMembers(at *node, path string, value map[string]any) []finding {
	var found []finding
	for name, member := range value {
		if inside, ok := at.Properties[name]; ok {
			found = append(found, d.walk(inside, strings.TrimPrefix(path+"."+name, "."), member)...)
		} else if at.values != nil {
			found = append(found, d.walk(at.values, fmt.Sprintf("%s[%s]", path, name), member)...)
		}
	}
	return found
}

func repeated(keys []string, path string, entries []any) []finding {
	if len(keys) == 0 || len(entries) < 2 {
		return nil
	}
	var found []finding
	first := map[string]int{}
	for index, entry := range entries {
		members, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		name := nameOf(keys, members)
		if earlier, ok := first[name]; ok {
			found = append(found, finding{
				Kind:    duplicate,
				Path:    fmt.Sprintf("%s[%d]", path, index),
				Message: fmt.Sprintf("%s stands in the list twice: entry %d has it too", name, earlier),
			})
			continue
		}
		first[name] = index
	}
	return found
}

// nameOf writes the key of an entry as `containerPort 8000, protocol TCP`.
func nameOf(keys []string, entry map[string]any) string {
	words := make([]string, 0, len(keys))
	for _, key := range keys {
		value, ok := entry[key]
		if !ok {
			value = keyDefaults[key]
		}
		text := fmt.Sprint(value)
		if _, isText := value.(string); isText && strings.ContainsAny(text, " ,") {
			text = strconv.Quote(text)
		}
		words = append(words, key+" "+text)
	}
	return strings.Join(words, ", ")
}
