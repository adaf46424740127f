package access

import "fmt"

// Role is what a holder may do. Each may do what those before it may.
type Role int

// Roles.
const (
	Read  Role = iota + 1 // look at journeys
	Write                 // and write records
	Admin                 // and erase
)

func (r Role) String() string {
	switch r {
	case Read:
		return "read"
	case Write:
		return "write"
	case Admin:
		return "admin"
	}
	return "none"
}

// ParseRole reads a role's name.
func ParseRole(text string) (Role, error) {
	for r := Read; r <= Admin; r++ {
		if text == r.String() {
			return r, nil
		}
	}
	return 0, fmt.Errorf("role is %.40q, want read, write or admin", text)
}
