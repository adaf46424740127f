package main

import (
	"errors"
	"fmt"
)

// teller is a child whose first line says, in JSON, where it is.
type teller[T any] struct {
	*keeper
	said T
}

func tellOf[T any](role, argument string) (*teller[T], error) {
	c, err := start(role, argument)
	if err != nil {
		return nil, err
	}
	t := &teller[T]{keeper: &keeper{child: c}}
	if err := t.hear(&t.said); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", role, err), t.kill())
	}
	return t, nil
}
