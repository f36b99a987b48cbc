package main

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A leaf is what must be included, and where.
type leaf struct {
	index int64
	hash  tlog.Hash
}

// placed makes the setter of an option that may be given several times, with INDEX=VALUE.
func placed(leaves *[]leaf, read func(string) (tlog.Hash, error)) func(string) error {
	return func(text string) error {
		number, value, _ := strings.Cut(text, "=")
		index, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return err
		}
		hash, err := read(value)
		*leaves = append(*leaves, leaf{index, hash})
		return err
	}
}

// single makes the setter of an option that is given once, with a VALUE.
func single(found **tlog.Hash, read func(string) (tlog.Hash, error)) func(string) error {
	return func(text string) error {
		hash, err := read(text)
		*found = &hash
		return err
	}
}

func hexHash(text string) (tlog.Hash, error) {
	decoded, err := hex.DecodeString(text)
	if err != nil || len(decoded) != tlog.HashSize {
		return tlog.Hash{}, fmt.Errorf("%q is not a leaf hash", text)
	}
	return tlog.Hash(decoded), nil
}

func fileHash(file string) (tlog.Hash, error) {
	record, err := os.ReadFile(file)
	return tlog.RecordHash(record), err
}
