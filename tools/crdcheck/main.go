// Command crdcheck reads objects, one line of JSON each, and says what an API server would refuse in them beyond
// what a JSON Schema can tell: CEL rules, repeated entries of lists that are keyed, and, as a second opinion, fields
// and values of custom kinds by the API server's own code. It needs no cluster and no network.
//
// Metadata is not looked at, apart from its name where a rule reads it.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
)

// A line of input: the caller's name for an object, the minor of Kubernetes it goes to, and the object.
type line struct {
	Key    string          `json:"key"`
	Minor  string          `json:"minor"`
	Object json.RawMessage `json:"object"`
}

// A finding is one thing wrong with one object; the path is spelled as the API server does.
type finding struct {
	Key     string `json:"key"`
	Kind    string `json:"kind"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

// The kinds of findings.
const (
	rule        = "rule"        // a CEL rule says no, or costs too much
	duplicate   = "duplicate"   // two entries of a list have the same key
	structure   = "structure"   // a value that the kind's schema forbids
	unknown     = "unknown"     // a field that the kind does not have
	unevaluated = "unevaluated" // a rule that this program cannot compile
	unread      = "unread"      // an object without a schema, or none at all
)

type report struct {
	Read      int       `json:"read"`
	Distinct  int       `json:"distinct"`
	Evaluated int       `json:"evaluated"` // objects whose rules were asked
	Findings  []finding `json:"findings"`
}

func main() {
	folder := flag.String("schemas", "schemas", "folder of the schemas")
	rules := flag.Bool("rules", false, "list every rule and whether it can be evaluated, instead of reading objects")
	flag.Parse()
	kinds := newKinds(*folder)
	var answer any
	var err error
	if *rules {
		answer, err = listRules(kinds)
	} else {
		answer, err = check(os.Stdin, kinds)
	}
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crdcheck:", err)
		os.Exit(1)
	}
}

// check judges each distinct object once, on every core, and answers in the order of keys and paths.
func check(input io.Reader, kinds *kinds) (*report, error) {
	lines, err := read(input)
	if err != nil {
		return nil, err
	}
	answer := &report{Read: len(lines), Findings: []finding{}}
	owners := map[string][]string{}
	var distinct []subject
	for _, one := range lines {
		item := newSubject(one, kinds)
		if len(owners[item.identity]) == 0 {
			distinct = append(distinct, item)
		}
		owners[item.identity] = append(owners[item.identity], one.Key)
	}
	answer.Distinct = len(distinct)
	verdicts := judgeAll(distinct)
	for index, item := range distinct {
		if verdicts[index].evaluated {
			answer.Evaluated += len(owners[item.identity])
		}
		for _, key := range owners[item.identity] {
			for _, found := range verdicts[index].findings {
				found.Key = key
				answer.Findings = append(answer.Findings, found)
			}
		}
	}
	slices.SortFunc(answer.Findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return answer, nil
}

func read(input io.Reader) ([]line, error) {
	decoder := json.NewDecoder(bufio.NewReaderSize(input, 1<<20))
	var lines []line
	for {
		var one line
		switch err := decoder.Decode(&one); err {
		case nil:
			lines = append(lines, one)
		case io.EOF:
			return lines, nil
		default:
			return nil, fmt.Errorf("line %d: %w", len(lines)+1, err)
		}
	}
}

func judgeAll(items []subject) []verdict {
	verdicts := make([]verdict, len(items))
	next := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for index := range next {
				verdicts[index] = items[index].judge()
			}
		})
	}
	for index := range items {
		next <- index
	}
	close(next)
	workers.Wait()
	return verdicts
}
