package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// A listed rule says what becomes of a rule when an object is created.
type listed struct {
	Schema string `json:"schema"`
	Path   string `json:"path"`
	Rule   string `json:"rule"`
	State  string `json:"state"` // evaluated; transition: asked on updates only; unwritten: in words; uncompilable
	Error  string `json:"error,omitempty"`
}

// Rules of a derived kind that nobody could write as CEL stand in its file in words.
const unwrittenKey = "x-modelyard-unwritten-rules"

// listRules compiles every rule of every custom kind, and adds those that are there in words only.
func listRules(kinds *kinds) ([]listed, error) {
	all := []listed{}
	root := filepath.Join(kinds.folder, "crds")
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, structuralSuffix) {
			return err
		}
		props, err := loadProps(path)
		if err != nil {
			return err
		}
		structural, err := schema.NewStructural(props)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		name = strings.TrimSuffix(name, structuralSuffix)
		all = append(all, rulesBelow(structural, name, "", true)...)
		words, err := rulesInWords(path, name)
		all = append(all, words...)
		return err
	})
	return all, err
}

func rulesInWords(path, name string) ([]listed, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var whole map[string]json.RawMessage
	var found []listed
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if words, ok := whole[unwrittenKey]; ok {
		if err := json.Unmarshal(words, &found); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, unwrittenKey, err)
		}
	}
	for index := range found {
		found[index].Schema, found[index].State = name, "unwritten"
	}
	return found, nil
}

func rulesBelow(at *schema.Structural, name, path string, isRoot bool) []listed {
	found := rulesAt(at, name, path, isRoot)
	for _, member := range slices.Sorted(maps.Keys(at.Properties)) {
		child := at.Properties[member]
		found = append(found, rulesBelow(&child, name, path+"."+member, child.XEmbeddedResource)...)
	}
	if at.Items != nil {
		found = append(found, rulesBelow(at.Items, name, path+"[*]", at.Items.XEmbeddedResource)...)
	}
	if values := at.AdditionalProperties; values != nil && values.Structural != nil {
		inside := values.Structural
		found = append(found, rulesBelow(inside, name, path+"{*}", inside.XEmbeddedResource)...)
	}
	return found
}

func rulesAt(at *schema.Structural, name, path string, isRoot bool) []listed {
	if len(at.XValidations) == 0 {
		return nil
	}
	base := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
	results, err := cel.Compile(
		at, model.SchemaDeclType(at, isRoot), celconfig.PerCallLimit, base, cel.StoredExpressionsEnvLoader())
	found := make([]listed, 0, len(at.XValidations))
	for index, one := range at.XValidations {
		entry := listed{Schema: name, Path: path, Rule: one.Rule, State: "evaluated"}
		switch {
		case err != nil:
			entry.State, entry.Error = "uncompilable", err.Error()
		case results[index].Error != nil:
			entry.State, entry.Error = "uncompilable", results[index].Error.Detail
		case results[index].UsesOldSelf && (one.OptionalOldSelf == nil || !*one.OptionalOldSelf):
			entry.State = "transition"
		}
		found = append(found, entry)
	}
	return found
}
