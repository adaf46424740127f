package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/waybill-log/waybill/record"
	"github.com/waybill-log/waybill/store"
)

func erase(h http.Handler, id string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, journeys+id, nil))
	return w
}

func TestAnErasedJourneyIsShownNoMore(t *testing.T) {
	purchase := golden(t, "purchase")
	s := recordsIn(t, purchase...)
	visible := store.NewVisible(s, s)
	h := serve(t, setup{Store: visible, Erase: visible.Erase})
	first, err := store.NewEntry(purchase[0])
	if err != nil {
		t.Fatal(err)
	}
	id := first.Key
	if w := get(h, journeys+id); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	wantProblem(t, erase(h, "nobody-knows"), http.StatusNotFound, "no records of nobody-knows")
	wantProblem(t, erase(h, strings.Repeat("x", 1000)), http.StatusBadRequest, "correlation ID")
	if w := erase(h, strings.ToUpper(id)); w.Code != http.StatusNoContent {
		t.Fatal(w.Code, w.Body)
	}
	wantProblem(t, get(h, journeys+id), http.StatusNotFound, "no records of")
	wantProblem(t, erase(h, id), http.StatusNotFound, "no records of")
	again := store.NewVisible(s, s)
	wantProblem(t, get(serve(t, setup{Store: again}), journeys+id), http.StatusNotFound, "no records of")
	if w := erase(serve(t, setup{Store: again}), id); w.Code != http.StatusNotFound {
		t.Errorf("%d where nothing can be erased", w.Code)
	}
}

func TestAnErasedJourneyTakesItsTracesRecordsAlong(t *testing.T) {
	trace := strings.Repeat("1", 32)
	var all []record.Record
	writer{"bank", false, &all}.wrote("Order-1", trace, "named")
	writer{"mail", true, &all}.wrote(trace, trace, "unnamed")
	writer{"bank", false, &all}.wrote("Order-2", strings.Repeat("2", 32), "other")
	var lines [][]byte
	for i := range all {
		lines = append(lines, record.Append(nil, &all[i]))
	}
	s := recordsIn(t, lines...)
	visible := store.NewVisible(s, s)
	h := serve(t, setup{Store: visible, Erase: visible.Erase})
	if w := get(h, journeys+"Order-1"); !strings.Contains(w.Body.String(), "unnamed") {
		t.Fatal("the trace's record is not part of the journey", w.Body)
	}
	if w := erase(h, "Order-1"); w.Code != http.StatusNoContent {
		t.Fatal(w.Code, w.Body)
	}
	if left, _, err := visible.ByTrace(t.Context(), []string{trace}, 100); err != nil || len(left) > 0 {
		t.Errorf("%d records of the trace are left, %v", len(left), err)
	}
	if w := get(h, journeys+"Order-2"); w.Code != http.StatusOK {
		t.Error("another journey is gone too", w.Code, w.Body)
	}
}
