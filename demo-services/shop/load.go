package shop

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"
)

// Load keeps people coming until ctx ends: rate requests a second, of which one in ten buys. What
// fails is the shop's to tell of.
func (s *Shop) Load(ctx context.Context, rate float64) {
	visitors := make(chan *Visitor, 32)
	for _, user := range []string{"USER1", "USER2"} {
		v := s.Visitor()
		for v.LogIn(ctx, user) != nil && ctx.Err() == nil {
			time.Sleep(time.Second)
		}
		for range cap(visitors) / 2 {
			visitors <- v
		}
	}
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case v := <-visitors:
			go func() {
				v.something(ctx)
				visitors <- v
			}()
		default: // the shop is slower than they come
		}
	}
}

// something is what one does in a shop.
func (v *Visitor) something(ctx context.Context) {
	product := []string{"points-100", "points-500", "sword", "shield"}[rand.IntN(4)]
	switch n := rand.IntN(10); {
	case n == 0:
		_, _ = v.Buy(ctx, 1+rand.Int64N(100))
	case n < 3:
		_, _ = v.Do(ctx, http.MethodPost, "/services/recommendations/recommendations/views", map[string]string{"product": product})
	case n < 5:
		_, _ = v.Do(ctx, http.MethodPut, "/services/cart/cart/"+product, map[string]int{"quantity": 1 + rand.IntN(3)})
	case n < 7:
		_, _ = v.Do(ctx, http.MethodGet, "/services/products/products", nil)
	default:
		_, _ = v.Home(ctx)
	}
}
