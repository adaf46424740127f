package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/waybill-log/waybill/journey"
	"github.com/waybill-log/waybill/query"
)

// Difference tells how a journey departs from the usual, or from another.
func (s *Style) Difference(w io.Writer, d *query.Difference) error {
	var b strings.Builder
	with := "the usual of " + s.text(d.OtherKind)
	if d.With != "" {
		with = s.text(d.With)
	} else if d.OtherRelease != "" {
		with += ", release " + s.text(d.OtherRelease)
	}
	s.wrapped(&b, "", "", s.paint(bold, s.text(d.CorrelationID))+"  beside "+with)
	switch {
	case d.Few:
		s.wrapped(&b, "", "", fmt.Sprintf("Only %d such journeys were delivered: too few to tell what is usual.", d.Journeys))
	case len(d.Divergences) == 0 && d.With == "":
		s.wrapped(&b, "", "", fmt.Sprintf("As usual: it departs in nothing from %d journeys.", d.Journeys))
	case len(d.Divergences) == 0:
		s.wrapped(&b, "", "", "They do not differ.")
	default:
		b.WriteByte('\n')
	}
	for i := range d.Divergences {
		v := &d.Divergences[i]
		how := yellow
		if v.What == journey.Failing || v.What == journey.Missing {
			how = red
		}
		head := pad(s.paint(bold+";"+how, s.text(v.What)), 9)
		s.wrapped(&b, head, strings.Repeat(" ", 9), s.text(v.Text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
