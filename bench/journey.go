package main

import (
	"errors"
	"os"
)

// journeyArea measures what it takes to judge journeys and to keep them judged.
func journeyArea(b *board) error {
	dir, err := os.MkdirTemp("", "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	return errors.Join(judging(b), judgingWorst(b), owners(b, dir))
}
