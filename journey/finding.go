package journey

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Finding is what was found, in a form that can be said in any language; String says it in
// English. Which fields there are, its code says. Empty ones are left out, also where their code
// has them: a service, topic or operation may be unknown.
type Finding struct {
	Code      Code           `json:"code"`
	Service   string         `json:"service,omitempty"`   // that did it, or has not
	Also      []string       `json:"also,omitempty"`      // other services that did
	Hop       string         `json:"hop,omitempty"`       // that completeness rests on; a verdict's is beside it
	Operation string         `json:"operation,omitempty"` // name of its hop; empty: the hop's start is missing
	Awaited   string         `json:"awaited,omitempty"`   // service, or consumer group, that has not come
	Topic     string         `json:"topic,omitempty"`
	Group     string         `json:"group,omitempty"`
	Partition *int32         `json:"partition,omitempty"`
	Offset    *int64         `json:"offset,omitempty"`    // of the message
	Committed *int64         `json:"committed,omitempty"` // where the group stands
	Deserted  bool           `json:"deserted,omitempty"`  // nobody is in the group
	At        *time.Time     `json:"at,omitempty"`        // when what it is about was sent, begun or declared
	Within    *time.Duration `json:"within,omitempty"`    // ns from At, by when somebody should have come
	Status    int            `json:"status,omitempty"`    // HTTP status that Service answered with
	Declared  string         `json:"declared,omitempty"`  // delivered, returned or failed
	Saga      string         `json:"saga,omitempty"`
	Count     uint64         `json:"count,omitempty"`   // how many there are, or should be
	Here      uint64         `json:"here,omitempty"`    // how many of them are here
	Number    uint64         `json:"number,omitempty"`  // hop.sequence of the first that is not here
	Why       string         `json:"why,omitempty"`     // in the words of Service
	Because   *Finding       `json:"because,omitempty"` // why it is not known that every record is here
}

// Code is what a finding says.
type Code string

// What a verdict rests on.
const (
	GroupBehind    Code = "group_behind"     // Group stands before a message that it should have picked up
	StationLate    Code = "station_late"     // Awaited should have picked up a message Within some time
	NeverCame      Code = "never_came"       // Service expected Awaited Within some time
	HopFailed      Code = "hop_failed"       // Service failed in Operation: Why
	Refused        Code = "refused"          // Service answered its caller with Status
	HopOpen        Code = "hop_open"         // Service has not finished Operation
	Unanswered     Code = "unanswered"       // a call of Service has not been answered
	NotPickedUp    Code = "not_picked_up"    // a message has not been, by Awaited or, where there is none, by anyone
	HasDeclared    Code = "declared"         // Service declared the journey, or its saga, Declared: Why
	SagaUndeclared Code = "saga_undeclared"  // others were declared
	NoHops         Code = "no_hops"          // there are log records only
	Undeclared     Code = "undeclared"       // all has ended, and Because of what is not known nothing tells whether that was all
	Promised       Code = "promised"         // all has ended, but Service answered 202 Accepted
	Unrouted       Code = "unrouted"         // all has ended, and who else picks up Topic is not known
	EndedWell      Code = "ended_well"       // every hop ended well and everything sent was picked up
	TooMany        Code = "too_many"         // only Count records were read; 0: not known how many
	TooManyToFold  Code = "too_many_to_fold" // of a summary, which keeps less than there is
)

// What completeness rests on.
const (
	AllHere        Code = "all_here"
	NoRecords      Code = "no_records"
	LeftOut        Code = "left_out"         // those that were not read were not counted
	Lost           Code = "lost"             // Count records are, Number of a hop of Service first
	NotReceived    Code = "not_received"     // what Service sent has not been picked up
	PassedBy       Code = "passed_by"        // Group has gone past a message, and no record of it is here
	PassedByToo    Code = "passed_by_too"    // the same, where others have picked it up
	SendsMissing   Code = "sends_missing"    // Service sent Count times in Operation, and Here of them are here
	SentElsewhere  Code = "sent_elsewhere"   // Service sent to somebody who writes no records here
	CauseMissing   Code = "cause_missing"    // what caused Operation has no records here
	NotEnded       Code = "not_ended"        // Service has not ended Operation
	HopNotCounted  Code = "hop_not_counted"  // Service does not count the records of Operation
	NotCounted     Code = "not_counted"      // Service writes records that no hop counts
	RecordsMissing Code = "records_missing"  // Count that Service wrote in Operation, Number first
	GapsUncounted  Code = "gaps_not_counted" // the records of Operation have too many gaps
)

const nobodyDeclared = "every hop has ended and nobody declared it delivered; "

// sentences say findings.
var sentences = map[Code]func(*Finding) string{
	GroupBehind: func(f *Finding) string {
		s := fmt.Sprintf("group %s has not picked up %s: it stands at offset %d of partition %d, the message is %d", f.Group, f.message(), value(f.Committed), value(f.Partition), value(f.Offset))
		if f.Deserted {
			s += "; nobody is in the group"
		}
		return s
	},
	StationLate: func(f *Finding) string {
		return fmt.Sprintf("%s has not picked up %s, and should have within %v", f.Awaited, f.message(), value(f.Within))
	},
	NeverCame: func(f *Finding) string {
		return fmt.Sprintf("%s expected %s within %v of %s, and it has not come", f.Service, f.Awaited, value(f.Within), f.clock())
	},
	HopFailed: func(f *Finding) string { return fmt.Sprintf("%s failed in %s", f.Service, f.operation()) + f.why() },
	Refused: func(f *Finding) string {
		return fmt.Sprintf("%s answered %s with %d %s", f.Service, f.operation(), f.Status, http.StatusText(f.Status))
	},
	HopOpen: func(f *Finding) string {
		return fmt.Sprintf("%s has not finished %s, begun at %s", f.Service, f.operation(), f.clock())
	},
	Unanswered: func(f *Finding) string {
		return fmt.Sprintf("a call that %s made at %s has not been answered", f.Service, f.clock())
	},
	NotPickedUp: func(f *Finding) string {
		if f.Awaited == "" {
			return "nobody has picked up " + f.message()
		}
		return f.Awaited + " has not picked up " + f.message()
	},
	HasDeclared: func(f *Finding) string {
		return strings.Join(append([]string{f.Service}, f.Also...), " and ") + " declared it " + f.Declared + f.why()
	},
	SagaUndeclared: func(f *Finding) string { return "nobody declared what became of saga " + f.Saga },
	NoHops:         func(*Finding) string { return "there are log records only, no hops" },
	Undeclared:     func(*Finding) string { return strings.TrimSuffix(nobodyDeclared, "; ") },
	Promised: func(f *Finding) string {
		return nobodyDeclared + f.Service + " answered 202 Accepted, which promises work to come"
	},
	Unrouted:  func(f *Finding) string { return nobodyDeclared + "no route tells who else picks up " + f.Topic },
	EndedWell: func(*Finding) string { return "every hop ended well and everything sent was picked up" },
	TooMany: func(f *Finding) string {
		if f.Count == 0 {
			return "there are more records than were read"
		}
		return fmt.Sprintf("only the earliest %d records were read", f.Count)
	},
	TooManyToFold: func(*Finding) string {
		return "there is more of this journey than its summary keeps; ask for the journey itself"
	},

	AllHere:   func(*Finding) string { return "every hop has ended and all the records it counted are here" },
	NoRecords: func(*Finding) string { return "there are no records" },
	LeftOut:   func(*Finding) string { return "the records left out were not counted" },
	Lost: func(f *Finding) string {
		return fmt.Sprintf("%d of the records that services wrote are lost, %s's number %d of its hop first", f.Count, f.Service, f.Number)
	},
	NotReceived: func(f *Finding) string {
		return fmt.Sprintf("what %s sent at %s has not been picked up", f.Service, f.clock())
	},
	PassedBy: func(f *Finding) string {
		return fmt.Sprintf("group %s has gone past what %s sent to %s at %s, and no record of it is here", f.Group, f.Service, f.Topic, f.clock())
	},
	PassedByToo: func(f *Finding) string {
		return fmt.Sprintf("group %s has gone past what %s sent to %s at %s too, and no record of that is here", f.Group, f.Service, f.Topic, f.clock())
	},
	SendsMissing: func(f *Finding) string {
		return fmt.Sprintf("%s sent %d times in %s, %d of them are here", f.Service, f.Count, f.operation(), f.Here)
	},
	SentElsewhere: func(f *Finding) string { return f.Service + " sent something to a service that writes no records here" },
	CauseMissing: func(f *Finding) string {
		return fmt.Sprintf("what caused %s of %s has no records here", f.operation(), f.Service)
	},
	NotEnded:      func(f *Finding) string { return f.Service + " has not ended " + f.operation() },
	HopNotCounted: func(f *Finding) string { return f.Service + " does not count the records of " + f.operation() },
	NotCounted:    func(f *Finding) string { return f.Service + " writes records that no hop counts" },
	RecordsMissing: func(f *Finding) string {
		if f.Count == 1 {
			return fmt.Sprintf("record %d that %s wrote in %s is not here", f.Number, f.Service, f.operation())
		}
		return fmt.Sprintf("%d records that %s wrote in %s are not here, number %d first", f.Count, f.Service, f.operation(), f.Number)
	},
	GapsUncounted: func(f *Finding) string {
		return fmt.Sprintf("the records of %s in %s have too many gaps to tell", f.operation(), f.Service)
	},
}

// Codes are all there are, sorted.
func Codes() []Code { return slices.Sorted(maps.Keys(sentences)) }

// String is one sentence for people; empty where the code is of a version to come.
func (f *Finding) String() string {
	if f == nil || sentences[f.Code] == nil {
		return ""
	}
	s := sentences[f.Code](f)
	if f.Because != nil {
		s += "; " + f.Because.String()
	}
	return s
}

func (f *Finding) message() string {
	return fmt.Sprintf("the message that %s sent to %s at %s", f.Service, f.Topic, f.clock())
}

func (f *Finding) operation() string { return cmp.Or(f.Operation, nameless) }

func (f *Finding) clock() string { return clock(value(f.At)) }

func (f *Finding) why() string {
	if f.Why == "" {
		return ""
	}
	return ": " + f.Why
}

// pointer is to a copy of v, so that a finding holds nothing of what it was found in.
func pointer[T any](v T) *T { return &v }

// value is what p points to, if anything.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
