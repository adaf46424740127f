package filter

// Check refuses a tree that no store can answer.
func Check(Node) error { return nil }

// HasContains reports whether a Contains is part of the tree.
func HasContains(Node) bool { return false }

// Faceted reports whether a field's values can be counted.
func Faceted(field string) bool { return false }
