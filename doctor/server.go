package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waybill-log/waybill/client"
)

// How far things may be off before it is said.
const (
	clockWorry   = 2 * time.Second
	horizonWorry = time.Minute
)

// Server checks a Waybill server: that it answers, who it takes us for, its clock, and how far it knows all.
func Server(c *client.Client) []Check {
	return []Check{
		{"server", func(ctx context.Context) []Result {
			asked := time.Now()
			me, now, err := c.Me(ctx)
			if err != nil {
				return []Result{unanswered(c, err)}
			}
			out := []Result{{State: Well, Says: fmt.Sprintf("%s answers, and takes you for %s with the role %s", c.Server(), me.Name, me.Role)}}
			if off := now.Sub(asked.Truncate(time.Second)); !now.IsZero() && off.Abs() > clockWorry+time.Since(asked) {
				out = append(out, Result{
					Name: "clock", State: Worry, Says: fmt.Sprintf("the clock of the server is %s off from this machine's", off.Round(time.Second)),
					Do: "set both by NTP: a time such as since:15m is counted back from the server's",
				})
			}
			return out
		}},
		{"store", func(ctx context.Context) []Result {
			stats, err := c.Stats(ctx)
			if err != nil {
				return []Result{unanswered(c, err)}
			}
			switch {
			case stats.AsOf == nil:
				return []Result{{State: Worry, Says: fmt.Sprintf("%d records, and it is not known how far all is stored", stats.Records), Do: "see whether a collector is running, and reaches Kafka"}}
			case time.Duration(stats.Behind) > horizonWorry:
				return []Result{{State: Worry, Says: fmt.Sprintf("%d records; all is stored that was shipped %s ago, with %d messages to come", stats.Records, time.Duration(stats.Behind).Round(time.Second), stats.Lag), Do: "see whether the collectors keep up, and whether the store refuses something"}}
			}
			return []Result{{State: Well, Says: fmt.Sprintf("%d records; all is stored that was shipped %s ago", stats.Records, time.Duration(stats.Behind).Round(time.Millisecond))}}
		}},
		{"loss", func(ctx context.Context) []Result { return losses(ctx, c) }},
	}
}

// losses tells of instances of which records are proved to be lost, dropped or refused.
func losses(ctx context.Context, c *client.Client) []Result {
	found, err := c.Instances(ctx)
	if err != nil {
		return []Result{unanswered(c, err)}
	}
	var out []Result
	for _, i := range found.Instances {
		if i.Lost != nil && *i.Lost > 0 {
			out = append(out, Result{State: Ill, Says: fmt.Sprintf("%d records of %s (%s) are lost: Kafka had them, and the store has not", *i.Lost, i.Service, i.Node), Do: "look at the dead letters, and whether retention is shorter than the collectors' lag"})
		}
		if i.Dropped+i.Refused > 0 {
			out = append(out, Result{State: Worry, Says: fmt.Sprintf("%s (%s) has dropped %d records and refused %d", i.Service, i.Node, i.Dropped, i.Refused), Do: "give it a data folder (WAYBILL_DATA) or a larger buffer, or see why Kafka is slow"})
		}
	}
	if len(out) == 0 {
		out = append(out, Result{State: Well, Says: fmt.Sprintf("of %d instances no record is known to be lost", len(found.Instances))})
	}
	return out
}

func unanswered(c *client.Client, err error) Result {
	var away *client.Unreachable
	if errors.As(err, &away) {
		return Result{State: Ill, Says: err.Error(), Do: "start one with waybill up, or say where it is with --server"}
	}
	var refused *client.Error
	if errors.As(err, &refused) && (refused.Status == 401 || refused.Status == 403) {
		return Result{State: Ill, Says: c.Server() + " wants a token: " + err.Error(), Do: "give one that holds with --token-file, or make one with waybill token"}
	}
	return Result{State: Ill, Says: err.Error()}
}
