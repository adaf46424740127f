//go:build unix

package instrument

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A log call takes the lock, so whoever holds it must not wait for a disk.
func TestReplayReadsNoFileUnderTheLock(t *testing.T) {
	t.Parallel()
	slow := filepath.Join(t.TempDir(), "000001.segment")
	if err := syscall.Mkfifo(slow, 0o600); err != nil {
		t.Fatal(err)
	}
	s := replaying(t, leftover{path: slow})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.advance(nil)
	}()
	w, err := os.OpenFile(slow, os.O_WRONLY, 0) // waits until it is being read
	if err != nil {
		t.Fatal(err)
	}
	logged := make(chan error, 1)
	go func() { logged <- s.accept("", laneInfo, nil, false, []byte(`{"message":"m"`)) }()
	select {
	case err := <-logged:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a log call waits for a disk")
	}
	w.Close()
	<-ended
}
