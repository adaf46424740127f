package registry

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestARestartKeepsRegistrationsAndSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "registry.json")
		first := open(t, Config{File: file, Static: []Service{{Name: "game", URLs: []string{"http://10.0.0.9"}}}})
		kept, gone := register(t, first, "bank", "http://10.0.0.1"), register(t, first, "shop", "http://10.0.0.2")
		first.Deregister(t.Context(), gone.ID)
		ask(t, first.Handler(), "PUT", "/settings", `{"values":{"a":"1"}}`, nil)
		first.Close()

		time.Sleep(time.Hour) // down
		second := open(t, Config{File: file, Transport: answers(http.StatusOK)})
		if in, _ := second.Lookup("bank"); !reflect.DeepEqual(in, []Instance{kept}) {
			t.Fatalf("bank is %+v", in)
		}
		if in, known := second.Lookup("shop"); !known || len(in) != 0 {
			t.Errorf("shop: %v %v", in, known)
		}
		if _, known := second.Lookup("game"); !known {
			t.Error("a name is forgotten")
		} else if n := rotating(second, "game"); n != 0 {
			t.Error("a static entry outlives its list")
		}
		if !reflect.DeepEqual(second.Settings(), first.Settings()) || second.Settings().Version != 1 {
			t.Errorf("settings are %+v", second.Settings())
		}
		defer run(t, second)()
		time.Sleep(ttl - time.Millisecond)
		synctest.Wait()
		if rotating(second, "bank") != 1 {
			t.Error("no fresh TTL")
		}
		time.Sleep(ttl)
		synctest.Wait()
		if rotating(second, "bank") != 0 {
			t.Error("in rotation unheard")
		}
	})
}

func TestConfirmedSettingsAndOlderRegistrationsSurviveAKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "registry.json")
		first := open(t, Config{File: file, Transport: answers(http.StatusOK)})
		stop := run(t, first)
		register(t, first, "bank", "http://10.0.0.1")
		time.Sleep(2 * saveEvery)
		synctest.Wait()
		stop()
		ask(t, first.Handler(), "PUT", "/settings", `{"values":{"a":"1"}}`, nil)
		second := open(t, Config{File: file}) // nobody has closed the first
		if rotating(second, "bank") != 1 || second.Settings().Version != 1 {
			t.Errorf("%d instances, settings %+v", rotating(second, "bank"), second.Settings())
		}
	})
}

func TestAFileThatIsNoneIsRefusedWithWhatToDo(t *testing.T) {
	for name, content := range map[string]string{"broken": `{"format":1,`, "other format": `{"format":2}`, "empty": ""} {
		file := filepath.Join(t.TempDir(), "registry.json")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{File: file}); err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "move the file away") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatTheRulesRefuseIsLeftOutOfAnOldFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "registry.json")
	var in []string
	for _, v := range [][3]string{{"a", "bank", "http://10.0.0.1"}, {"a", "bank", "http://10.0.0.2"}, {"b", "BANK", "http://10.0.0.1"}, {"c", "bank", "ftp://x"}, {"", "bank", "http://10.0.0.1"}} {
		in = append(in, fmt.Sprintf(`{"id":%q,"service":%q,"url":%q}`, v[0], v[1], v[2]))
	}
	os.WriteFile(file, []byte(`{"format":1,"names":["bank","NO"],"instances":[`+strings.Join(in, ",")+`]}`), 0o600)
	log := newJournal()
	r := open(t, Config{File: file, Logger: slog.New(log)})
	if n := rotating(r, "bank"); n != 1 || len(r.Overview()) != 1 || log.count("instance of the last run left out", "c") != 1 {
		t.Errorf("%d instances, %+v", n, r.Overview())
	}
}

func TestTheFileIsPrivateAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	r := open(t, Config{File: filepath.Join(dir, "registry.json")})
	for i := range 5 {
		ask(t, r.Handler(), "PUT", "/settings", fmt.Sprintf(`{"values":{"a":"%d"}}`, i), nil)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	if info, _ := entries[0].Info(); info.Mode().Perm() != 0o600 {
		t.Error(info.Mode())
	}
}
