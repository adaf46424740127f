package api_test

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"testing"

	"github.com/waybill-log/waybill/evidence"
	"github.com/waybill-log/waybill/query"
	"github.com/waybill-log/waybill/query/api"
	"github.com/waybill-log/waybill/store/filter"
)

// setup is what a server of a test is made of.
type setup struct {
	Store    query.Store
	Evidence query.Evidence
	Erase    func(context.Context, []string) error
	Letters  func(context.Context, int) ([]query.Letter, error)
	Ledgers  func() []evidence.Ledger
	Only     func(context.Context) filter.Node
	Ready    func(context.Context) error
	Tail     func(http.ResponseWriter, *http.Request, filter.Search) error
	Guard    api.Guard
	Pages    fs.FS
	Token    string
	Logger   *slog.Logger
}

func serve(t *testing.T, s setup) http.Handler {
	t.Helper()
	desk := query.New(query.Config{Store: s.Store, Evidence: s.Evidence, Erase: s.Erase, Letters: s.Letters, Ledgers: s.Ledgers, Only: s.Only, Logger: s.Logger})
	h, err := api.New(api.Config{Desk: desk, Ready: s.Ready, Tail: s.Tail, Guard: s.Guard, Pages: s.Pages, Token: s.Token, Logger: s.Logger})
	if err != nil {
		t.Fatal(err)
	}
	return h
}
