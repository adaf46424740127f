package main

import (
	"bufio"
	"encoding/json"
	"io"
)

// documents writes values as JSON: one a line, or as the elements of an array.
type documents struct {
	out   *bufio.Writer
	to    io.Writer // out, or before it
	array bool
	begun bool
}

func (d *documents) write(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	switch {
	case !d.array:
		body = append(body, '\n')
	case d.begun:
		body = append([]byte(",\n"), body...)
	default:
		body = append([]byte("[\n"), body...)
	}
	d.begun = true
	_, err = d.to.Write(body)
	return err
}

func (d *documents) close() error {
	end := ""
	switch {
	case d.array && d.begun:
		end = "\n]\n"
	case d.array:
		end = "[]\n"
	}
	if _, err := d.out.WriteString(end); err != nil {
		return err
	}
	return d.out.Flush()
}
