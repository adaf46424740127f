package lockfile_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/infra/lockfile"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("LOCK_THIS"); dir != "" {
		if _, err := lockfile.Acquire(dir); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestASecondProcessIsToldWhoHoldsTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	unlock, err := lockfile.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	other := func() (string, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "LOCK_THIS="+dir)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := other()
	if err == nil || !strings.Contains(out, "is in use by process") || !strings.Contains(out, "--data") {
		t.Errorf("got %v %q", err, out)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if out, err := other(); err != nil {
		t.Errorf("after unlock: %v %s", err, out)
	}
}

func TestAFileInTheWayIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := lockfile.Acquire(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}
