// Command verifier checks what model-policy-sidecar's audit ledger says with none of the sidecar's code: only the
// Go checksum database's packages note and tlog, and torchwood, C2SP's implementation of tlog-tiles and tlog-proof.
//
//	verifier ledger -vkey VKEY [-tiles] [-since CHECKPOINT] [-leaf INDEX=HEX …] [-record INDEX=FILE …] FOLDER
//	verifier proof  -vkey VKEY (-leaf HEX | -record FILE) FILE
//
// It prints one line of JSON, and exits with 0 where all holds, 1 where something does not, 2 on wrong use.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/tlog"
)

// A report is the one line of JSON.
type report struct {
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty"`
	Origin string `json:"origin,omitempty"`
	Size   int64  `json:"size"`
	Root   string `json:"root,omitempty"`
	Leaves int    `json:"leaves"` // how many were shown to be included
}

var errUsage = errors.New("usage: verifier ledger|proof -vkey VKEY [OPTION …] PATH")

func main() {
	found, err := run(os.Args[1:])
	found.OK = err == nil
	if err != nil {
		found.Error = err.Error()
	}
	line, _ := json.Marshal(found) // strings and numbers cannot fail
	fmt.Println(string(line))
	switch {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		os.Exit(1)
	}
}

func run(arguments []string) (report, error) {
	if len(arguments) == 0 {
		return report{}, errUsage
	}
	switch arguments[0] {
	case "ledger":
		return runLedger(arguments[1:])
	case "proof":
		return runProof(arguments[1:])
	}
	return report{}, errUsage
}

func runLedger(arguments []string) (report, error) {
	var asked demands
	flags := flag.NewFlagSet("ledger", flag.ContinueOnError)
	vkey := flags.String("vkey", "", "the log's verifier key")
	flags.BoolVar(&asked.tiles, "tiles", false, "check every hash of every tile")
	flags.StringVar(&asked.since, "since", "", "an older checkpoint of the log, to be consistent with")
	flags.Func("leaf", "INDEX=HEX of a leaf hash that must be included", placed(&asked.leaves, hexHash))
	flags.Func("record", "INDEX=FILE of a record that must be included", placed(&asked.leaves, fileHash))
	if flags.Parse(arguments) != nil || flags.NArg() != 1 {
		return report{}, errUsage
	}
	policy, err := policyOf(*vkey)
	if err != nil {
		return report{}, err
	}
	log, err := openLedger(flags.Arg(0), policy)
	if err != nil {
		return report{}, err
	}
	found := report{Origin: log.checkpoint.Origin, Size: log.checkpoint.N, Root: log.checkpoint.Hash.String()}
	if err := log.check(asked, policy); err != nil {
		return found, err
	}
	found.Leaves = len(asked.leaves)
	return found, nil
}

func runProof(arguments []string) (report, error) {
	var hash *tlog.Hash
	flags := flag.NewFlagSet("proof", flag.ContinueOnError)
	vkey := flags.String("vkey", "", "the log's verifier key")
	flags.Func("leaf", "the leaf hash in hexadecimal", single(&hash, hexHash))
	flags.Func("record", "the file of the record", single(&hash, fileHash))
	if flags.Parse(arguments) != nil || flags.NArg() != 1 || hash == nil {
		return report{}, errUsage
	}
	policy, err := policyOf(*vkey)
	if err != nil {
		return report{}, err
	}
	if err := checkProof(flags.Arg(0), *hash, policy); err != nil {
		return report{}, err
	}
	return report{Leaves: 1}, nil
}
