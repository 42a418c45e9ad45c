package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	kubejson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// A subject is an object on its way to a verdict; two with the same identity get the same one.
type subject struct {
	identity string
	text     json.RawMessage
	kind     func() (*kind, error)
	reason   string // why there is nothing to judge
}

type verdict struct {
	evaluated bool
	findings  []finding
}

// head is what tells objects apart besides the rest of their text.
type head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
}

func newSubject(one line, kinds *kinds) subject {
	var top head
	var members map[string]json.RawMessage
	if json.Unmarshal(one.Object, &top) != nil || json.Unmarshal(one.Object, &members) != nil || top.Kind == "" {
		return subject{identity: "unread " + one.Key, reason: "the object has no apiVersion and kind that can be read"}
	}
	find := kinds.find(one.Minor, top.APIVersion, top.Kind)
	name := "any" // some CRDs ask for metadata
	if known, err := find(); err == nil && known.namesRead {
		name = top.Metadata.Name
	}
	members["metadata"], _ = json.Marshal(map[string]string{"name": name})
	text, err := json.Marshal(members)
	if err != nil {
		return subject{identity: "unread " + one.Key, reason: err.Error()}
	}
	return subject{identity: one.Minor + " " + string(text), text: text, kind: find}
}

func (s subject) judge() verdict {
	if s.reason != "" {
		return verdict{findings: []finding{{Kind: unread, Message: s.reason}}}
	}
	known, err := s.kind()
	if err != nil {
		return verdict{findings: []finding{{Kind: unread, Path: "kind", Message: err.Error()}}}
	}
	object := map[string]any{}
	// the decoder of the API server, which tells integers from fractions
	if err := kubejson.Unmarshal(s.text, &object); err != nil {
		return verdict{findings: []finding{{Kind: unread, Message: err.Error()}}}
	}
	if known.structural == nil {
		return verdict{findings: known.lists.duplicates(object)}
	}
	return judgeCustom(known, object)
}

// judgeCustom takes the steps of the API server when it creates an object of a custom kind, in their order.
func judgeCustom(known *kind, object map[string]any) verdict {
	var found []finding
	options := schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}
	for _, path := range pruning.PruneWithOptions(object, known.structural, true, options) {
		found = append(found, finding{Kind: unknown, Path: path, Message: "the kind has no such field"})
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, known.structural)
	defaulting.Default(object, known.structural)
	errors := validation.ValidateCustomResource(nil, object, known.validator)
	found = append(found, findings(structure, errors)...)
	repeated := listtype.ValidateListSetsAndMaps(nil, known.structural, object)
	found = append(found, findings(duplicate, repeated)...)
	if known.rules == nil || slices.ContainsFunc(slices.Concat(errors, repeated), blocks) {
		return verdict{findings: found}
	}
	broken, _ := known.rules.Validate(
		context.Background(), nil, known.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return verdict{evaluated: true, findings: append(found, findings(rule, broken)...)}
}

// blocks tells which mistakes keep the API server from asking the rules.
// Source: k8s.io/apiextensions-apiserver v0.37.2 pkg/registry/customresource/strategy.go (hasBlockingErr)
func blocks(err *field.Error) bool {
	return slices.Contains([]field.ErrorType{
		field.ErrorTypeNotSupported,
		field.ErrorTypeRequired,
		field.ErrorTypeTooLong,
		field.ErrorTypeTooMany,
		field.ErrorTypeTypeInvalid,
	}, err.Type)
}

func findings(kind string, errors field.ErrorList) []finding {
	found := make([]finding, 0, len(errors))
	for _, err := range errors {
		one := finding{Kind: kind, Path: err.Field, Message: err.Detail}
		if kind == duplicate && err.Type == field.ErrorTypeDuplicate {
			one.Message = fmt.Sprintf("the list has this entry twice: %v", short(err.BadValue))
		}
		if one.Message == "" {
			one.Message = err.ErrorBody()
		}
		if err.Field == "<nil>" {
			one.Path = ""
		}
		if kind == rule && strings.HasPrefix(err.Detail, "rule compile") {
			one.Kind = unevaluated
		}
		found = append(found, one)
	}
	return found
}

func short(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}
