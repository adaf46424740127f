package messaging_test

import (
	"context"
	"testing"

	"github.com/IBM/sarama"

	"github.com/waybill-log/waybill/demo-services/messaging"
)

func TestRepliesAreHeardAgainWhereTheirTopicIsMadeAnew(t *testing.T) {
	t.Parallel()
	broker := sarama.NewMockBroker(t, 1)
	defer broker.Close()
	anew := &sarama.FetchResponse{Version: 11}
	anew.AddError(messaging.Replies, 0, sarama.ErrOffsetOutOfRange)
	speaks := []sarama.ApiVersionsResponseKey{{ApiKey: 1, MaxVersion: 11}, {ApiKey: 2, MaxVersion: 4}, {ApiKey: 3, MaxVersion: 7}, {ApiKey: 18, MaxVersion: 3}, {ApiKey: 19, MaxVersion: 4}}
	broker.SetHandlerByMap(map[string]sarama.MockResponse{
		"ApiVersionsRequest":  sarama.NewMockApiVersionsResponse(t).SetApiKeys(speaks),
		"MetadataRequest":     sarama.NewMockMetadataResponse(t).SetBroker(broker.Addr(), 1).SetController(1).SetLeader(messaging.Replies, 0, 1),
		"CreateTopicsRequest": sarama.NewMockCreateTopicsResponse(t),
		"OffsetRequest":       sarama.NewMockOffsetResponse(t).SetOffset(messaging.Replies, 0, sarama.OffsetOldest, 0).SetOffset(messaging.Replies, 0, sarama.OffsetNewest, 5),
		"FetchRequest":        sarama.NewMockSequence(sarama.NewMockWrapper(anew), sarama.NewMockFetchResponse(t, 1)),
	})
	shop := newService(t, "shop")
	bus, err := messaging.Open(shop.config(routed(t, "topics: {}")), []string{broker.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- bus.Run(ctx) }()
	eventually(t, func() (bool, string) {
		fetches := 0
		for _, asked := range broker.History() {
			if _, ok := asked.Request.(*sarama.FetchRequest); ok {
				fetches++
			}
		}
		return fetches > 1, "nobody asks for replies any more"
	})
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := bus.Close(); err != nil {
		t.Error(err)
	}
}
