package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

const structuralSuffix = ".structural.json"

// A kind is what is known of one kind at one version: of a custom kind what its CRD says, of every other one the
// JSON Schema, which knows the keys of its lists.
type kind struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
	lists      *document
	namesRead  bool // a rule at the root reads the object's name
}

// kinds loads each kind when the first object of it comes.
type kinds struct {
	folder string
	mutex  sync.Mutex
	known  map[string]func() (*kind, error)
}

func newKinds(folder string) *kinds {
	return &kinds{folder: folder, known: map[string]func() (*kind, error){}}
}

func (k *kinds) find(minor, apiVersion, name string) func() (*kind, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	id := minor + " " + apiVersion + " " + name
	if k.known[id] == nil {
		k.known[id] = sync.OnceValues(func() (*kind, error) { return k.load(minor, apiVersion, name) })
	}
	return k.known[id]
}

func (k *kinds) load(minor, apiVersion, name string) (*kind, error) {
	group, version := "", apiVersion
	if before, after, ok := strings.Cut(apiVersion, "/"); ok {
		group, version = before, after
	}
	stem := filepath.Join(k.folder, "crds", group, strings.ToLower(name)+"-"+version)
	if _, err := os.Stat(stem + structuralSuffix); err == nil {
		return loadCustom(stem + structuralSuffix)
	}
	suffix := version
	if group != "" {
		suffix = strings.Split(group, ".")[0] + "-" + version
	}
	builtIn := filepath.Join(k.folder, "kubernetes", minor, strings.ToLower(name)+"-"+suffix+".json")
	if lists, err := loadDocument(builtIn); !os.IsNotExist(err) {
		return &kind{lists: lists}, err
	}
	return nil, fmt.Errorf("there is no schema of %s of %s", name, apiVersion)
}

// loadCustom does what the API server does with a CRD.
func loadCustom(path string) (*kind, error) {
	props, err := loadProps(path)
	if err != nil {
		return nil, err
	}
	structural, err := schema.NewStructural(props)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	validator, _, err := validation.NewSchemaValidator(props)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &kind{
		structural: structural,
		validator:  validator,
		rules:      cel.NewValidator(structural, true, celconfig.PerCallLimit),
		namesRead:  readsNames(structural),
	}, nil
}

func readsNames(structural *schema.Structural) bool {
	for _, one := range structural.XValidations {
		if strings.Contains(one.Rule+one.MessageExpression, "metadata") {
			return true
		}
	}
	return false
}

func loadProps(path string) (*apiext.JSONSchemaProps, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var whole map[string]any
	if err := json.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	shared, _ := whole["$defs"].(map[string]any)
	delete(whole, "$defs")
	delete(whole, "$comment")
	text, err = json.Marshal(inline(whole, shared))
	if err != nil {
		return nil, err
	}
	var props v1.JSONSchemaProps
	if err := json.Unmarshal(text, &props); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	internal := &apiext.JSONSchemaProps{}
	return internal, v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&props, internal, nil)
}

// inline puts back the subtrees that a file holds once: a CRD knows no references.
func inline(node any, shared map[string]any) any {
	from, ok := node.(map[string]any)
	if !ok {
		return node
	}
	if name, ok := from["$ref"].(string); ok {
		return inline(shared[strings.TrimPrefix(name, "#/$defs/")], shared)
	}
	to := make(map[string]any, len(from))
	for word, value := range from {
		switch word {
		case "properties":
			members := map[string]any{}
			for name, member := range value.(map[string]any) {
				members[name] = inline(member, shared)
			}
			to[word] = members
		case "items", "additionalProperties", "not":
			to[word] = inline(value, shared)
		case "allOf", "anyOf", "oneOf":
			branches := value.([]any)
			copied := make([]any, len(branches))
			for index, branch := range branches {
				copied[index] = inline(branch, shared)
			}
			to[word] = copied
		default:
			to[word] = value
		}
	}
	return to
}
