package hook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Webhook is a receiver that gets [Payload], signed as Standard Webhooks has it: where there are two
// secrets, by both, so that the receiver may take its time to go over to the second.
type Webhook struct {
	HTTP        `yaml:",inline"`
	SecretFiles []string `yaml:"secret_files"` // each holds whsec_ and a key in base64; none: it is not signed
}

const maxSecrets = 4

func (w *Webhook) check(*Receiver) error {
	if len(w.SecretFiles) > maxSecrets {
		return errors.New("webhook has more than 4 secret_files: two are enough to change them")
	}
	return w.HTTP.check()
}

func (*Webhook) perMinute() int { return 600 }

func (w *Webhook) kind(m *Manager, r *Receiver) (kind, error) {
	return &webhook{newPoster(m, r, w.HTTP, false), w.SecretFiles}, nil
}

type webhook struct {
	*poster
	secrets []string
}

func (w *webhook) deliver(ctx context.Context, p *parcel, a *answer) {
	body := encoded(payloadOf(p))
	header := http.Header{"Content-Type": {"application/json"}}
	hidden, err := sign(header, w.secrets, webhookID(p.Delivery.ID), time.Now(), body)
	if err != nil {
		a.err = err
		return
	}
	w.post(ctx, "", header, body, hidden, a)
}

// sign sets the headers of Standard Webhooks.
func sign(header http.Header, files []string, id string, now time.Time, body []byte) (hidden mask, err error) {
	at := strconv.FormatInt(now.Unix(), 10)
	header["Webhook-Id"], header["Webhook-Timestamp"] = []string{id}, []string{at}
	var signatures []string
	for _, file := range files {
		text, key, err := signingKey(file)
		if err != nil {
			return nil, err
		}
		hidden.add(text)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if len(signatures) > 0 {
		header["Webhook-Signature"] = []string{strings.Join(signatures, " ")}
	}
	return hidden, nil
}

// webhookID is an ID as a header takes it: without a full stop, which parts what is signed.
func webhookID(id string) string {
	for _, c := range []byte(id) {
		if c <= ' ' || c >= 0x7f || c == '.' {
			return hashName(id)
		}
	}
	if len(id) > 200 {
		return hashName(id)
	}
	return id
}
