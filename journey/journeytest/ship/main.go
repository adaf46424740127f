// Ship hands journeys that are hard to tell to a Waybill that runs, or writes them as lines.
//
//	go run ./journey/journeytest/ship --kafka 127.0.0.1:7692 --records 100000 worst
//	go run ./journey/journeytest/ship --ndjson worst >worst.ndjson
//
// What it has shipped it prints, one JSON object a journey:
//
//	{"correlation_id":"019ac0de…","records":100000,"hops":18278,"lost":200}
//
// Lines come in without ledgers, which prove what is lost: only Kafka takes those. It never
// answers for the store: shipped is not yet indexed.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/waybill-log/waybill/journey/journeytest"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ship:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("ship", flag.ContinueOnError)
	kafka := flags.String("kafka", "", "addresses of Kafka, host:port, with commas between")
	ndjson := flags.Bool("ndjson", false, "write the records to stdout, one a line, instead of shipping them")
	records := flags.Int("records", 10_000, "of the worst journey")
	seed := flags.Uint64("seed", 1, "tells which journey it is")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var made []*journeytest.Made
	switch what := strings.Join(flags.Args(), " "); {
	case what == "worst" && *records >= journeytest.LeastWorst:
		made = []*journeytest.Made{journeytest.Worst(*records, *seed, time.Now())}
	case what == "worst":
		return fmt.Errorf("the worst journey has at least %d records; give --records", journeytest.LeastWorst)
	case what == "equal-keys":
		pair := journeytest.EqualKeys(*seed, time.Now())
		made = pair[:]
	default:
		return fmt.Errorf("%q is no journey: want worst or equal-keys, after the flags", what)
	}
	if (*kafka == "") != *ndjson {
		return errors.New("give --kafka or --ndjson")
	}
	for _, m := range made {
		if *ndjson {
			if err := m.WriteNDJSON(out); err != nil {
				return err
			}
			continue
		}
		if err := m.Ship(strings.Split(*kafka, ",")); err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(map[string]any{"correlation_id": m.ID, "records": len(m.Records), "hops": m.Hops, "lost": m.Lost()}); err != nil {
			return err
		}
	}
	return nil
}
