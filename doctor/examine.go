package doctor

import (
	"context"
	"time"
)

// States of what was checked.
const (
	Well    = "well"
	Worry   = "worry"   // it works, and something should be looked at
	Ill     = "ill"     // it does not
	Skipped = "skipped" // it could not be checked
)

// Result is what a check has found.
type Result struct {
	Name  string `json:"name"`
	State string `json:"state"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // what to do about it
}

// Check looks at one thing. It may give several results.
type Check struct {
	Name string
	Run  func(ctx context.Context) []Result
}

// patience is how long a check may take.
const patience = 20 * time.Second

// Examine runs checks one after the other and tells each result as it is there.
func Examine(ctx context.Context, checks []Check, told func(Result)) (worst string) {
	worst = Well
	for _, c := range checks {
		patient, cancel := context.WithTimeout(ctx, patience)
		results := c.Run(patient)
		cancel()
		for _, r := range results {
			if r.Name == "" {
				r.Name = c.Name
			}
			told(r)
			if r.State == Ill || r.State == Worry && worst == Well {
				worst = r.State
			}
		}
		if ctx.Err() != nil {
			return worst
		}
	}
	return worst
}
