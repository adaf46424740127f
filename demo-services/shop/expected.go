package shop

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/waybill-log/waybill/demo-services/messaging"
	"github.com/waybill-log/waybill/journey"
)

// Expected is who picks up the messages of which topic, and how soon, as the table in a data
// folder says: the same one that the services send by.
func Expected(data string) (out []journey.Route, err error) {
	t, err := messaging.ReadTable(filepath.Join(data, "routes.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		t, err = messaging.ParseTable(routes)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(t.Topics)) {
		if topic := t.Topics[name]; len(topic.Readers) > 0 {
			out = append(out, journey.Route{Topic: name, Stations: topic.Readers, Within: topic.Within})
		}
	}
	return out, nil
}
