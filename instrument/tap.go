package instrument

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/felixge/httpsnoop"
)

// tap is a http.ResponseWriter that notes status and size. Handlers get it in a
// type that can do what the writer below can, and no more: some ask by an
// interface, others through http.ResponseController, which looks below. Safe for
// concurrent use as far as the writer below is.
type tap struct {
	http.ResponseWriter
	status  atomic.Int32 // 0: nothing is written
	written atomic.Int64
}

// code is the status of the response.
func (t *tap) code() int {
	if code := t.status.Load(); code != 0 {
		return int(code)
	}
	return http.StatusOK
}

func (t *tap) WriteHeader(code int) {
	if code >= 200 || code < 100 || code == http.StatusSwitchingProtocols { // others only inform
		t.status.CompareAndSwap(0, int32(code))
	}
	t.ResponseWriter.WriteHeader(code)
}

func (t *tap) Write(p []byte) (int, error) {
	t.begin()
	n, err := t.ResponseWriter.Write(p)
	t.written.Add(int64(n))
	return n, err
}

// Unwrap is for http.ResponseController.
func (t *tap) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// begin notes what net/http sends where no status was set before the body.
func (t *tap) begin() { t.status.CompareAndSwap(0, http.StatusOK) }

// What writers can do beside writing.
type (
	flusher interface {
		http.Flusher
		FlushError() error
	}
	notifier interface{ CloseNotify() <-chan bool } // http.CloseNotifier, which is deprecated
	http1    interface {                            // net/http's writer
		flusher
		notifier
		http.Hijacker
		io.ReaderFrom
		io.StringWriter
	}
	http2 interface { // and that of HTTP/2
		flusher
		notifier
		http.Pusher
		io.StringWriter
	}
)

// wrap puts the tap on w. net/http's own writers are known; what can do other
// things is left to httpsnoop, which takes longer.
func (t *tap) wrap(w http.ResponseWriter) http.ResponseWriter {
	t.ResponseWriter = w
	switch w.(type) {
	case http1:
		if _, ok := w.(http.Pusher); !ok {
			return tap1{t}
		}
	case http2:
		_, hijacks := w.(http.Hijacker)
		if _, reads := w.(io.ReaderFrom); !hijacks && !reads {
			return tap2{t}
		}
	}
	return httpsnoop.Wrap(w, httpsnoop.Hooks{
		WriteHeader: func(httpsnoop.WriteHeaderFunc) httpsnoop.WriteHeaderFunc { return t.WriteHeader },
		Write:       func(httpsnoop.WriteFunc) httpsnoop.WriteFunc { return t.Write },
		Flush: func(flush httpsnoop.FlushFunc) httpsnoop.FlushFunc {
			return func() { t.begin(); flush() }
		},
		FlushError: func(flush httpsnoop.FlushErrorFunc) httpsnoop.FlushErrorFunc {
			return func() error { t.begin(); return flush() }
		},
		ReadFrom: func(read httpsnoop.ReadFromFunc) httpsnoop.ReadFromFunc {
			return func(src io.Reader) (int64, error) { return t.readFrom(read, src) }
		},
		WriteString: func(write httpsnoop.WriteStringFunc) httpsnoop.WriteStringFunc {
			return func(s string) (int, error) { return t.writeString(write, s) }
		},
	})
}

func (t *tap) readFrom(read func(io.Reader) (int64, error), src io.Reader) (int64, error) {
	t.begin()
	n, err := read(src)
	t.written.Add(n)
	return n, err
}

func (t *tap) writeString(write func(string) (int, error), s string) (int, error) {
	t.begin()
	n, err := write(s)
	t.written.Add(int64(n))
	return n, err
}

func (t *tap) flush(f flusher) error {
	t.begin()
	return f.FlushError()
}

// tap1 is a tap on a http1.
type tap1 struct{ *tap }

func (t tap1) below() http1                                 { return t.ResponseWriter.(http1) }
func (t tap1) Flush()                                       { _ = t.flush(t.below()) }
func (t tap1) FlushError() error                            { return t.flush(t.below()) }
func (t tap1) CloseNotify() <-chan bool                     { return t.below().CloseNotify() }
func (t tap1) Hijack() (net.Conn, *bufio.ReadWriter, error) { return t.below().Hijack() }
func (t tap1) ReadFrom(src io.Reader) (int64, error)        { return t.readFrom(t.below().ReadFrom, src) }
func (t tap1) WriteString(s string) (int, error)            { return t.writeString(t.below().WriteString, s) }

// tap2 is a tap on a http2.
type tap2 struct{ *tap }

func (t tap2) below() http2                      { return t.ResponseWriter.(http2) }
func (t tap2) Flush()                            { _ = t.flush(t.below()) }
func (t tap2) FlushError() error                 { return t.flush(t.below()) }
func (t tap2) CloseNotify() <-chan bool          { return t.below().CloseNotify() }
func (t tap2) WriteString(s string) (int, error) { return t.writeString(t.below().WriteString, s) }
func (t tap2) Push(target string, o *http.PushOptions) error {
	return t.below().Push(target, o)
}

// countedBody is a request's body of which the size is wanted. The nil one has none.
type countedBody struct {
	io.ReadCloser
	read atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	return n, err
}

func (b *countedBody) size() int64 {
	if b == nil {
		return 0
	}
	return b.read.Load()
}
