package terminal

import (
	"math"
	"testing"
)

// Colours of services are readable on black and on white (WCAG 2.2 asks for 3:1 of large letters).
func TestColoursStandOutFromBlackAndWhite(t *testing.T) {
	seen := map[uint8]bool{}
	for _, n := range palette {
		if seen[n] {
			t.Errorf("colour %d is there twice", n)
		}
		seen[n] = true
		l := luminance(n)
		if black, white := (l+0.05)/0.05, 1.05/(l+0.05); black < 3.5 || white < 3.5 {
			t.Errorf("colour %d has a contrast of %.1f to black and %.1f to white", n, black, white)
		}
	}
	if a, b := ofService("bank"), ofService("bank"); a != b || a != "38;5;162" {
		t.Errorf("bank is %s today", a)
	}
}

// luminance of one of the 216 colours of the cube, as WCAG has it.
func luminance(n uint8) float64 {
	n -= 16
	linear := func(level uint8) float64 {
		v := 0.0
		if level > 0 {
			v = float64(55+40*int(level)) / 255
		}
		if v <= 0.03928 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n/36) + 0.7152*linear(n/6%6) + 0.0722*linear(n%6)
}
