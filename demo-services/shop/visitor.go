package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/waybill-log/waybill/instrument"
)

// Visitor is somebody who uses the shop through its gateway.
type Visitor struct {
	Header http.Header // sent with each request; nil: none

	gateway string
	client  http.Client
	token   string
}

// Visitor returns one who has not logged in.
func (s *Shop) Visitor() *Visitor { return NewVisitor(s.URL()) }

// NewVisitor comes to a gateway.
func NewVisitor(gateway string) *Visitor {
	return &Visitor{gateway: gateway, client: http.Client{Timeout: 30 * time.Second}}
}

// Answer is what the gateway says.
type Answer struct {
	Status        int
	CorrelationID string // to track it by
	Body          []byte
}

// Do asks the gateway for something. A status is no error.
func (v *Visitor) Do(ctx context.Context, method, path string, body any) (a Answer, err error) {
	var text []byte
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return a, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, v.gateway+path, bytes.NewReader(text))
	if err != nil {
		return a, err
	}
	for name, values := range v.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
	}
	res, err := v.client.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	a.Status, a.CorrelationID = res.StatusCode, res.Header.Get(instrument.HeaderCorrelationID)
	a.Body, err = io.ReadAll(io.LimitReader(res.Body, 4<<20))
	return a, err
}

// LogIn makes the visitor one of the demo's users, each of whom has the password demo and a number.
func (v *Visitor) LogIn(ctx context.Context, user string) error {
	password := map[string]string{"USER1": "demo1", "USER2": "demo2", "STAFF": "demo3"}[user]
	a, err := v.Do(ctx, http.MethodPost, "/login", map[string]any{"user": user, "password": password, "bearer": true})
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	var session struct {
		Token string `json:"token"`
	}
	if a.Status != http.StatusOK || json.Unmarshal(a.Body, &session) != nil || session.Token == "" {
		return fmt.Errorf("log in: the gateway answers %d: %s", a.Status, strings.TrimSpace(string(a.Body)))
	}
	v.token = session.Token
	return nil
}

// Home asks for the home page, whole or in part.
func (v *Visitor) Home(ctx context.Context) (Answer, error) {
	a, err := v.Do(ctx, http.MethodGet, "/v2/home", nil)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("home: the gateway answers %d: %s", a.Status, a.Body)
	}
	return a, err
}

// Buy buys points and returns the purchase's tracking number.
func (v *Visitor) Buy(ctx context.Context, points int64) (id string, err error) {
	a, err := v.Do(ctx, http.MethodPost, "/v1/purchases", map[string]int64{"points": points})
	if err != nil {
		return "", fmt.Errorf("buy: %w", err)
	}
	if a.Status >= http.StatusBadRequest {
		return a.CorrelationID, fmt.Errorf("buy: the gateway answers %d: %s", a.Status, strings.TrimSpace(string(a.Body)))
	}
	return a.CorrelationID, nil
}

// Buy has a user of the demo buy points, and returns the purchase's tracking number.
func (s *Shop) Buy(ctx context.Context, user string, points int64) (id string, err error) {
	v := s.Visitor()
	if err := v.LogIn(ctx, user); err != nil {
		return "", err
	}
	return v.Buy(ctx, points)
}
