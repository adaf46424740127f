package instrument

import "log/slog"

// lane holds records of one importance. When the buffer is full, those of lower
// lanes give way.
type lane uint8

const (
	laneDebug lane = iota // trace and debug
	laneInfo
	laneWarn
	laneError // and what journeys are built from: hops and declarations
	lanes     = iota
)

func laneOf(l slog.Level) lane {
	switch {
	case l < slog.LevelInfo:
		return laneDebug
	case l < slog.LevelWarn:
		return laneInfo
	case l < slog.LevelError:
		return laneWarn
	default:
		return laneError
	}
}

// String is the level as ledgers name it.
func (l lane) String() string { return levels[l] }
