// Package alerts decides who is told of what: rules on journeys, on what does not follow under
// the same ID, on records, and on how the stack itself is doing.
//
//	rules, err := alerts.ReadRules("alerts.yaml")
//	part := alerts.NewPart(alerts.PartConfig{Rules: rules}, kept)
//	part.Change(change, taken)                        // a journey's verdict is another one
//	err = part.Step(ctx, now, journal, notifier, false) // keeps what follows, and tells
//
// The types to know are [Rules], what a file says; [Part], the alerts of one partition; and
// [Notification], what receivers are told. A rule on absence in the file:
//
//	rules:
//	  - name: debited-not-credited
//	    absence:
//	      after: service == "bank" && message == "debited"
//	      expect: service == "game" && message == "credited"
//	      within: 30s
//	    severity: critical
//	    title: "{{.correlation_id}} was debited and not credited"
//
// # Life of an alert
//
// It is pending while its rule's for has not passed, firing while its condition holds, and
// resolved once it does not any more: late records that heal a journey resolve its alert. Its
// Key is the same while it is the same that is wrong. Receivers are told by groups, as
// Alertmanager does it; what fired and was over before its group was told is in the
// history alone.
//
// # Kept
//
// A [Journal] keeps the state of a partition under these keys; the topic of alerts holds those
// of other packages and the following beside them, which any process may write:
//
//	place     how far sources were read, and how many changes there were
//	a/KEY     an alert
//	g/GROUP   a group, with what is to be told and was not handed on yet
//	w/KEY     an absence that waits
//	t/RULE    when a rule was last asked
//	h/N       an alert that is over
//	l/KEY     a journey whose change became known late, to be reviewed
//	silence/… command/…
//
// The package never reads a clock, a store or Kafka: package alerts/owner does.
package alerts
