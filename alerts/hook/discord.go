package hook

import "time"

// Limits of Discord's embeds, in characters.
const (
	discordTitle = 256
	discordText  = 4000
)

// discordBody is a message of Discord's webhooks. It mentions nobody, whatever is written in it.
func discordBody(p *parcel) any {
	return map[string]any{
		"allowed_mentions": map[string]any{"parse": []string{}},
		"embeds": []any{map[string]any{
			"title":       oneLine(titleOf(p), discordTitle),
			"description": lines(p, discordText, markdownEscaped, func(text, url string) string { return "[" + text + "](" + url + ")" }),
			"color":       colour(p),
			"timestamp":   p.Notification.Time.UTC().Format(time.RFC3339),
		}},
	}
}
