package api_test

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"testing"

	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/access"
	"github.com/waybill-log/waybill/query/api"
	"github.com/waybill-log/waybill/store"
	"github.com/waybill-log/waybill/store/filter"
)

// anybody may do everything, by whatever name a test's request calls this machine.
type anybody struct{}

func (anybody) Protect(role access.Role, next http.Handler) http.Handler {
	local := access.New(access.Config{}).Protect(role, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost"
		local.ServeHTTP(w, r)
	})
}

// setup is what a server of a test is made of.
type setup struct {
	Store    query.Store
	Evidence query.Evidence
	Erase    func(context.Context, []string) error
	Letters  func(context.Context, int) ([]query.Letter, error)
	Letter   func(context.Context, query.LetterAt) (*query.WholeLetter, error)
	Replay   func(context.Context, query.LetterAt) (string, error)
	Lags     func() ([]evidence.Lag, error)
	Ledgers  func() []evidence.Ledger
	Only     func(context.Context) filter.Node
	Hides    func(store.Entry) bool
	Kept     int64
	Ready    func(context.Context) error
	Tail     func(http.ResponseWriter, *http.Request, filter.Search) error
	Alerts   api.Alerts
	Guard    api.Guard
	Pages    fs.FS
	Logger   *slog.Logger
}

func serve(t *testing.T, s setup) http.Handler {
	t.Helper()
	desk := query.New(query.Config{Store: s.Store, Evidence: s.Evidence, Erase: s.Erase, Letters: s.Letters, Letter: s.Letter, Replay: s.Replay, Lags: s.Lags, Ledgers: s.Ledgers, Only: s.Only, Hides: s.Hides, Kept: s.Kept, Logger: s.Logger})
	if s.Guard == nil {
		s.Guard = anybody{}
	}
	h, err := api.New(api.Config{Desk: desk, Ready: s.Ready, Tail: s.Tail, Alerts: s.Alerts, Guard: s.Guard, Pages: s.Pages, Logger: s.Logger})
	if err != nil {
		t.Fatal(err)
	}
	return h
}
