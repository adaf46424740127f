// Package waybill_test holds what is true of the module as a whole.
package waybill_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const module = "github.com/waybill-log/waybill"

// arrows say what each folder may import of this module; a folder stands for all
// packages below it. Tests are exempt.
var arrows = map[string][]string{
	"record":                    {},
	"instrument":                {"record"},
	"instrument/instrumenttest": {"record", "instrument", "journey"},
	"journey":                   {"record"},
	"journey/journeytest":       {"record", "journey", "journey/journeytest"},
	"store":                     {"record", "store/filter"},
	"store/filter":              {"record"},
	"store/storetest":           {"record", "store", "store/filter"},
	"store/elastic":             {"record", "store", "store/filter", "infra/elasticsearch"},
	"store/embedded":            {"record", "store", "store/filter", "infra/lockfile"},
	"evidence":                  {"record", "store", "journey"},
	"alerts":                    {"record", "store", "store/filter", "journey"},
	"alerts/owner":              {"record", "store", "store/filter", "journey", "evidence", "collector", "alerts", "alerts/hook", "instrument"},
	"collector":                 {"record", "store", "journey", "evidence", "instrument"},
	"collector/intake":          {"record", "collector", "instrument"},
	"query":                     {"record", "store", "store/filter", "journey", "evidence"},
	"query/api":                 {"record", "store", "store/filter", "query", "query/access", "query/live", "alerts", "alerts/hook", "alerts/owner", "instrument", "ui"},
	"query/live":                {"record", "store", "store/filter"},
	"query/access":              {"store/filter"},
	"alerts/hook":               {"alerts", "instrument", "record"},
	"ui":                        {},
	"demo-services":             {"instrument", "demo-services"},
	"infra/lockfile":            {},
	"infra/elasticsearch":       {},
	"infra/broker":              {"infra/lockfile"},
	"infra/testservers":         {},
	"bench":                     {"*"},
	"cmd":                       {"*"},
}

func TestImportsPointDown(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath == module {
			continue
		}
		folder, allowed := rule(p.ImportPath)
		if folder == "" {
			t.Errorf("%s has no rule in this test", p.ImportPath)
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, module+"/") && !allows(allowed, imported) {
				t.Errorf("%s imports %s", p.ImportPath, strings.TrimPrefix(imported, module+"/"))
			}
		}
	}
	if seen < len(arrows) {
		t.Errorf("go list knows %d packages, the rules name %d folders", seen, len(arrows))
	}
}

// rule finds the longest folder that holds a package.
func rule(path string) (folder string, allowed []string) {
	path = strings.TrimPrefix(path, module+"/")
	for f, a := range arrows {
		if (path == f || strings.HasPrefix(path, f+"/")) && len(f) > len(folder) {
			folder, allowed = f, a
		}
	}
	return folder, allowed
}

func allows(allowed []string, imported string) bool {
	folder, _ := rule(imported)
	for _, a := range allowed {
		if a == "*" || a == folder {
			return true
		}
	}
	return false
}

// Every row of the code map names a folder, and a file in it to start at.
func TestTheCodeMapNamesWhatIsThere(t *testing.T) {
	b, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(string(b), "| folder |")
	rows, _, _ = strings.Cut(rows, "\n\n")
	named := regexp.MustCompile("`([^`]+)`")
	count := 0
	for _, row := range strings.Split(rows, "\n")[2:] {
		columns := strings.Split(row, "|")
		var folders []string
		for _, m := range named.FindAllStringSubmatch(columns[1], -1) {
			folders = append(folders, m[1])
		}
		files := append(named.FindAllStringSubmatch(columns[3], -1), []string{"", ""})
		for _, file := range files {
			found := false
			for _, folder := range folders {
				_, err := os.Stat(filepath.Join(folder, file[1]))
				found = found || err == nil
			}
			if !found {
				t.Errorf("%v has no %s", folders, file[1])
			}
			count++
		}
	}
	if count < 20 {
		t.Errorf("only %d names found in the code map", count)
	}
}
