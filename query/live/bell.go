package live

// bell wakes those who wait. Its owner's lock guards it.
type bell struct{ rung chan struct{} }

// wait is closed by the next ring.
func (b *bell) wait() <-chan struct{} {
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) ring() {
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}
