package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write openapi.json anew; review the difference")

// The page makes its types of that file.
func TestTheDescriptionIsTheOneThatIsKept(t *testing.T) {
	var served bytes.Buffer
	if err := json.Indent(&served, get(serve(t, setup{Store: recordsIn(t)}), "/openapi.json").Body.Bytes(), "", "  "); err != nil {
		t.Fatal(err)
	}
	served.WriteByte('\n')
	if *update {
		if err := os.WriteFile("openapi.json", served.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile("openapi.json"); err != nil || !bytes.Equal(kept, served.Bytes()) {
		t.Errorf("openapi.json is not what is served: %v; write it with go test ./query/api -update, and review the difference", err)
	}
}

func TestNoListIsNull(t *testing.T) {
	var document struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Type  any
					Items any
				}
			}
		}
	}
	if err := json.Unmarshal(get(serve(t, setup{Store: recordsIn(t)}), "/openapi.json").Body.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	lists := 0
	for name, s := range document.Components.Schemas {
		for property, p := range s.Properties {
			if p.Items != nil {
				lists++
				if p.Type != "array" {
					t.Errorf("%s.%s is of type %v", name, property, p.Type)
				}
			}
		}
	}
	if lists < 20 {
		t.Errorf("only %d lists are described", lists)
	}
}
