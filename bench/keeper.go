package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// keeper is a child that plays keep, seen from outside.
type keeper struct {
	*child
	opened time.Duration // how long opening took
}

func startKeeper(dir string) (*keeper, error) {
	c, err := start("keep", dir)
	if err != nil {
		return nil, err
	}
	k := &keeper{child: c}
	if err := k.hear(&k.opened); err != nil {
		return nil, errors.Join(err, k.kill())
	}
	return k, nil
}

// hear reads the next answer.
func (k *keeper) hear(answer any) error {
	line, err := k.line()
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(line), answer)
}

// tell gives a command, and reads its one answer.
func (k *keeper) tell(answer any, words ...any) error {
	if _, err := fmt.Fprintln(k.stdin, words...); err != nil {
		return err
	}
	return k.hear(answer)
}

// give gives a command that n records follow, which write writes. Watch hears of
// every batch. Where the keeper ends meanwhile, the answer is the last one it gave.
func (k *keeper) give(n int, write func(io.Writer) error, watch func(kept) error, words ...any) (last kept, err error) {
	if _, err := fmt.Fprintln(k.stdin, words...); err != nil {
		return last, err
	}
	written := make(chan error, 1)
	go func() {
		w := bufio.NewWriterSize(k.stdin, 1<<20)
		written <- errors.Join(write(w), w.Flush())
	}()
	defer func() { err = errors.Join(err, <-written) }()
	for range n / batchRecords {
		if err := k.hear(&last); err != nil {
			return last, err
		}
		if watch == nil {
			continue
		}
		if err := watch(last); err != nil {
			return last, err
		}
	}
	err = k.hear(&last)
	return last, err
}

// spent is the CPU it has used so far.
func (k *keeper) spent() (time.Duration, error) { return processCPU(k.cmd.Process.Pid) }

// memory is what it has in RAM, and the most it has had, in MB.
func (k *keeper) memory() (now, peak float64, err error) {
	n, p, err := processMemory(k.cmd.Process.Pid)
	return float64(n) / 1e6, float64(p) / 1e6, err
}

// kill ends it as a power cut would its process: with SIGKILL. What it still has
// said can be heard before.
func (k *keeper) kill() error {
	if err := k.cmd.Process.Kill(); err != nil {
		return err
	}
	_ = k.cmd.Wait() // says that it was killed
	return nil
}
