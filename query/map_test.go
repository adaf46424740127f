package query

import (
	"reflect"
	"testing"
	"time"

	"github.com/waybill-log/waybill/journey"
)

func TestAMapTellsWhatFailedWhatWaitsAndHowLong(t *testing.T) {
	ms := func(n int) *time.Duration { d := time.Duration(n) * time.Millisecond; return &d }
	draw := newDrawing()
	draw.add(journey.Course{
		Hops: []journey.Hop{
			{ID: "a", Service: "gateway", Outcome: journey.Success, Duration: ms(9)},
			{ID: "b", Service: "bank", Outcome: journey.Failure, Duration: ms(4)},
			{ID: "c", Service: "bank", Outcome: journey.Open},
		},
		Legs: []journey.Leg{
			{From: "a", To: "b", Transport: journey.OverHTTP, Duration: ms(-1)}, // clocks deny it
			{From: "b", To: "c", Transport: journey.OverKafka, Topic: "orders", Duration: ms(100)},
			{From: "b", To: "c", Transport: journey.OverKafka, Topic: "orders", Duration: ms(300)},
			{From: "b", Transport: journey.OverKafka, Topic: "orders"},
			{From: "elsewhere", To: "b", Transport: journey.OverHTTP},
		},
	})
	nodes, edges, _ := draw.sorted()
	took := func(p50, p99 int) *Percentiles { return &Percentiles{*ms(p50), *ms(p99)} }
	wantNodes := []Node{
		{ID: "service:bank", Kind: "service", Name: "bank", Hops: 2, Failed: 1, Open: 1, Took: took(4, 4)},
		{ID: "service:gateway", Kind: "service", Name: "gateway", Hops: 1, Took: took(9, 9)},
		{ID: "topic:orders", Kind: "topic", Name: "orders"},
	}
	wantEdges := []Edge{
		{From: "service:bank", To: "topic:orders", Transport: "kafka", Legs: 3, Waiting: 1},
		{From: "service:gateway", To: "service:bank", Transport: "http", Legs: 1, Failed: 1},
		{From: "topic:orders", To: "service:bank", Transport: "kafka", Legs: 2, Took: took(100, 300)},
	}
	if !reflect.DeepEqual(nodes, wantNodes) {
		t.Errorf("nodes %+v, want %+v", nodes, wantNodes)
	}
	if !reflect.DeepEqual(edges, wantEdges) {
		t.Errorf("edges %+v, want %+v", edges, wantEdges)
	}
}

func TestPercentilesAreOfWhatThereIs(t *testing.T) {
	var hundred []time.Duration
	for i := 100; i > 0; i-- {
		hundred = append(hundred, time.Duration(i))
	}
	if got := percentilesOf(hundred); *got != (Percentiles{50, 99}) {
		t.Errorf("of 1 to 100: %v", got)
	}
	if got := percentilesOf(nil); got != nil {
		t.Errorf("of none: %v", got)
	}
}
