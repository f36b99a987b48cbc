package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// policyOf asks for one signature, by the key of a log that has the key's name as its origin.
func policyOf(vkey string) (torchwood.Policy, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	origin := torchwood.OriginPolicy(verifier.Name())
	return torchwood.ThresholdPolicy(2, origin, torchwood.SingleVerifierPolicy(verifier)), nil
}

// A ledger is the tree under its newest checkpoint. Hashes come from its tiles, each checked against that checkpoint.
type ledger struct {
	checkpoint torchwood.Checkpoint
	hashes     tlog.HashReader
}

func openLedger(folder string, policy torchwood.Policy) (*ledger, error) {
	checkpoint, err := readCheckpoint(filepath.Join(folder, "checkpoint"), policy)
	if err != nil {
		return nil, err
	}
	tiles, err := torchwood.NewTileFS(os.DirFS(folder))
	if err != nil {
		return nil, err
	}
	hashes := torchwood.TileHashReaderWithContext(context.Background(), checkpoint.Tree, tiles)
	return &ledger{checkpoint, hashes}, nil
}

func readCheckpoint(file string, policy torchwood.Policy) (torchwood.Checkpoint, error) {
	signed, err := os.ReadFile(file)
	if err != nil {
		return torchwood.Checkpoint{}, err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	return checkpoint, err
}

// Demands are what must hold beside the checkpoint's signature.
type demands struct {
	leaves []leaf
	since  string // an older checkpoint's file, or empty
	tiles  bool
}

func (l *ledger) check(asked demands, policy torchwood.Policy) error {
	for _, one := range asked.leaves {
		if err := l.includes(one); err != nil {
			return fmt.Errorf("leaf %d: %w", one.index, err)
		}
	}
	if asked.since != "" {
		if err := l.extends(asked.since, policy); err != nil {
			return fmt.Errorf("%s: %w", asked.since, err)
		}
	}
	if asked.tiles {
		return l.checkTiles()
	}
	return nil
}

// includes says whether a leaf is in the tree, and there.
func (l *ledger) includes(one leaf) error {
	proof, err := tlog.ProveRecord(l.checkpoint.N, one.index, l.hashes)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, l.checkpoint.N, l.checkpoint.Hash, one.index, one.hash)
}

// extends says whether the tree of an older checkpoint is the beginning of this one.
func (l *ledger) extends(file string, policy torchwood.Policy) error {
	old, err := readCheckpoint(file, policy)
	if err != nil || old.N == 0 { // every tree begins with the empty one
		return err
	}
	proof, err := tlog.ProveTree(l.checkpoint.N, old.N, l.hashes)
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, l.checkpoint.N, l.checkpoint.Hash, old.N, old.Hash)
}

// checkTiles reads all leaf hashes, for which the reader needs every tile, and checks each against the one above.
func (l *ledger) checkTiles() error {
	if l.checkpoint.N == 0 {
		return l.checkEmpty()
	}
	indexes := make([]int64, l.checkpoint.N)
	for number := range indexes {
		indexes[number] = tlog.StoredHashIndex(0, int64(number))
	}
	_, err := l.hashes.ReadHashes(indexes)
	return err
}

func (l *ledger) checkEmpty() error {
	root, err := tlog.TreeHash(0, nil)
	if err == nil && root != l.checkpoint.Hash {
		err = errors.New("the empty tree has another root")
	}
	return err
}

// checkProof says whether a file is a tlog-proof of that leaf, under a checkpoint that the policy accepts.
func checkProof(file string, hash tlog.Hash, policy torchwood.Policy) error {
	proof, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(policy, hash, proof)
}
