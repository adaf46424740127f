package collector_test

import (
	"encoding/base64"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waybill-log/waybill/collector"
	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store/embedded"
)

// The disk of the embedded store is full: nothing is acknowledged that is not
// stored, readiness says why, and all goes on when there is room again.
func TestAFullDiskIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("NOT TESTED: a file system of its own wants root: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, 0) })
	st, err := embedded.Open(embedded.Config{Dir: filepath.Join(dir, "store")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 11<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := openBroker(t)
	c, _ := startWith(t, collector.Config{Brokers: []string{addr}, Store: st, BatchRecords: 100})
	client := connect(t, addr)
	const n = 1000
	var values [][]byte
	for i := 1; i <= n; i++ {
		noise := make([]byte, 1500) // does not compress
		for at := range noise {
			noise[at] = byte(rand.Uint32())
		}
		message := base64.StdEncoding.EncodeToString(noise)
		values = append(values, record.Append(nil, &record.Record{Time: time.Unix(1e9, 0), Message: message, Node: "a", Sequence: uint64(i)}))
	}
	produce(t, client, values...)
	eventually(t, "not ready", func() bool { return c.Ready() != nil && strings.Contains(c.Ready().Error(), "full") })
	if behind := lag(t, client); behind == 0 || n-behind > count(t, st) {
		t.Errorf("%d of %d are not committed, %d are stored", behind, n, count(t, st))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all stored and committed", func() bool { return lag(t, client) == 0 && c.Ready() == nil })
	if got := count(t, st); got != n {
		t.Errorf("%d stored, want %d", got, n)
	}
	balanced(t, c)
}
