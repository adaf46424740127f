package instrument_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/waybill-log/waybill/instrument"
)

// A service goes on when the disk is full, says so, and uses the disk again
// when it has room.
func TestAFullDiskIsSaidAndGotOver(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("a file system of its own cannot be mounted here, which this test needs: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(data, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	full := filepath.Join(data, "full")
	fill := func() {
		f, err := os.Create(full)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = f.Write(make([]byte, 64<<10))
		}
		f.Close()
	}
	fill()
	k := startKafka(t)
	in := service(t, instrument.Config{Brokers: []string{k.Addr()}, Data: data})
	in.Logger().Info("on a full disk")
	if r := k.last(t, in); r.Message != "on a full disk" {
		t.Errorf("got %s", r.Raw)
	}
	if h := in.Health(); h.DataErr == nil || !strings.Contains(h.DataErr.Error(), "no space") || h.Volatile != 1 {
		t.Errorf("health %+v", h)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	until(t, "the disk is used again", func() bool {
		in.Logger().Info("with room", "text", strings.Repeat("x", 30<<10))
		h := in.Health()
		return h.DataErr == nil && h.Data != "" && h.Last > h.Volatile+10
	})
	holds(t, k.records(t, in), in.Health().Last)
	shutdown(t, in)
	if left := files(t, data); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
