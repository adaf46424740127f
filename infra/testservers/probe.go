package testservers

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// kafkaAnswers asks a broker for the versions of its protocol, the first thing any client asks: an open port alone may
// be somebody else's by now.
func kafkaAnswers(address string) error {
	deadline := time.Now().Add(5 * time.Second)
	conn, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	const correlation = 0x77617962 // any number; it comes back
	request := []byte{
		0, 0, 0, 10, // bytes that follow
		0, 18, 0, 0, // ApiVersions, version 0
		0x77, 0x61, 0x79, 0x62,
		0xff, 0xff, // no client ID
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	var response struct {
		Size        int32
		Correlation int32
		Error       int16
		Keys        int32
	}
	if err := binary.Read(conn, binary.BigEndian, &response); err != nil {
		return fmt.Errorf("ask %s for its API versions: %w", address, err)
	}
	if response.Correlation != correlation || response.Error != 0 || response.Keys <= 0 {
		return fmt.Errorf("%s does not speak Kafka's protocol", address)
	}
	return nil
}

// elasticsearchAnswers waits, for a minute at most, until every shard has its primary.
func elasticsearchAnswers(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 70*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/_cluster/health?wait_for_status=yellow&timeout=60s", nil)
	if err != nil {
		return err
	}
	// without kept connections, whose goroutines a caller's leak check would find
	return healthy(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, req)
}

func strictAnswers(address string) error {
	s, err := parseStrict(address)
	if err != nil {
		return err
	}
	client, err := s.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 70*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/_cluster/health?wait_for_status=yellow&timeout=60s", nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(s.User, s.Password)
	return healthy(client, req)
}

func healthy(client *http.Client, req *http.Request) error {
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("health of %s: %s: %s", req.URL.Host, res.Status, body)
	}
	return nil
}
