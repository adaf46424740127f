package collector

import "time"

// floor is the start of the first day whose records are kept; zero where all are.
func (c *Collector) floor() time.Time { return Floor(time.Now(), c.cfg.Retention) }

// Floor is the start of the UTC day that lies retention before now, the first
// whose records are kept; zero for a retention of zero.
func Floor(now time.Time, retention time.Duration) time.Time {
	if retention == 0 {
		return time.Time{}
	}
	return now.Add(-retention).UTC().Truncate(24 * time.Hour)
}
