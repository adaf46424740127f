package evidence

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// What is said to be visible was stored at least the lag ago, and is the latest such
// moment as long as that is not before the history begins.
func TestVisibleIsTheLatestMomentThatIsOldEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(1e9, 0)
		var all, kept []moment
		for n := range rapid.IntRange(1, 600).Draw(t, "moments") {
			at = at.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond)
			m := moment{at: at, offsets: map[int32]int64{0: int64(n)}}
			all, kept = append(all, m), note(kept, m)
			lag := time.Duration(rapid.IntRange(0, 40_000).Draw(t, "lag")) * time.Millisecond
			got, want := visible(kept, at.Add(-lag)), visible(all, at.Add(-lag))
			if got != nil && got[0] != want[0] {
				t.Fatalf("lag %s: moment %d, want %d", lag, got[0], want[0])
			}
			if got == nil && want != nil && lag <= longestLag && len(kept) < maxMoments {
				t.Fatalf("lag %s: moment %d was forgotten", lag, want[0])
			}
		}
		if len(kept) > maxMoments {
			t.Fatalf("%d moments are kept", len(kept))
		}
	})
}
