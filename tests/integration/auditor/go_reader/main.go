// Reads an export of the audit log with the Go project's own packages for transparency logs, which know nothing of ours.
//
// main EXPORT VKEY: opens checkpoint.txt and every note of checkpoints.jsonl, hashes the leaves of entries.jsonl, and
// holds roots, signatures, consistency and inclusion against each other. It writes the proofs that it made, as JSON.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type checkpoint struct {
	size int64
	root tlog.Hash
}

type inclusion struct {
	Index, Size int64
	Proof       []string
}

type consistency struct {
	Old, New int64
	Proof    []string
}

func check(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func opened(text string, verifiers note.Verifiers) checkpoint {
	found, err := note.Open([]byte(text), verifiers)
	check(err, "signed note")
	lines := strings.Split(found.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	root, err := tlog.ParseHash(lines[2])
	check(err, "root")
	return checkpoint{size, root}
}

func lines(path string, each func([]byte)) {
	file, err := os.Open(path)
	check(err, path)
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		each(scanner.Bytes())
	}
	check(scanner.Err(), path)
}

func texts(hashes []tlog.Hash) []string {
	found := []string{}
	for _, each := range hashes {
		found = append(found, base64.StdEncoding.EncodeToString(each[:]))
	}
	return found
}

func main() {
	folder := os.Args[1]
	verifier, err := note.NewVerifier(os.Args[2])
	check(err, "key")
	verifiers := note.VerifierList(verifier)

	stored := []tlog.Hash{}
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := []tlog.Hash{}
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	leaves := []tlog.Hash{}
	lines(filepath.Join(folder, "entries.jsonl"), func(line []byte) {
		var entry struct {
			Leaf []byte `json:"leaf"`
		}
		check(json.Unmarshal(line, &entry), "entries.jsonl")
		hashes, err := tlog.StoredHashesForRecordHash(int64(len(leaves)), tlog.RecordHash(entry.Leaf), reader)
		check(err, "leaf")
		leaves = append(leaves, tlog.RecordHash(entry.Leaf))
		stored = append(stored, hashes...)
	})

	last, err := os.ReadFile(filepath.Join(folder, "checkpoint.txt"))
	check(err, "checkpoint.txt")
	tree := opened(string(last), verifiers)
	notes := []checkpoint{}
	lines(filepath.Join(folder, "checkpoints.jsonl"), func(line []byte) {
		var published struct {
			Note string `json:"note"`
		}
		check(json.Unmarshal(line, &published), "checkpoints.jsonl")
		notes = append(notes, opened(published.Note, verifiers))
	})
	if tree.size != int64(len(leaves)) || notes[len(notes)-1] != tree {
		check(fmt.Errorf("%d entries and the last note do not agree with it", len(leaves)), "checkpoint.txt")
	}

	result := struct {
		Size        int64
		Inclusion   []inclusion
		Consistency []consistency
	}{Size: tree.size}
	for _, each := range notes {
		root, err := tlog.TreeHash(each.size, reader)
		check(err, "root")
		if root != each.root {
			check(fmt.Errorf("of %d entries it is %s, not %s", each.size, root, each.root), "root")
		}
		proof, err := tlog.ProveTree(tree.size, each.size, reader)
		check(err, "consistency")
		check(tlog.CheckTree(proof, tree.size, tree.root, each.size, each.root), "consistency")
		result.Consistency = append(result.Consistency, consistency{each.size, tree.size, texts(proof)})
	}
	for index, leaf := range leaves {
		proof, err := tlog.ProveRecord(tree.size, int64(index), reader)
		check(err, "inclusion")
		check(tlog.CheckRecord(proof, tree.size, tree.root, int64(index), leaf), "inclusion")
		result.Inclusion = append(result.Inclusion, inclusion{int64(index), tree.size, texts(proof)})
	}
	check(json.NewEncoder(os.Stdout).Encode(result), "result")
}
