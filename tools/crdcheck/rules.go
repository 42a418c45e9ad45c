package main

import (
	"io/fs"
	"maps"
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
	State  string `json:"state"` // evaluated; transition: asked on updates only; uncompilable
	Error  string `json:"error,omitempty"`
}

// listRules compiles every rule of every custom kind.
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
		all = append(all, rulesBelow(structural, strings.TrimSuffix(name, structuralSuffix), "", true)...)
		return nil
	})
	return all, err
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
