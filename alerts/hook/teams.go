package hook

import "strings"

const teamsText = 8 << 10 // a message of Teams takes 28 KB in all

// teamsBody is an adaptive card, as workflows of Teams take it. Its text knows some of Markdown.
func teamsBody(p *parcel) any {
	escape := markdownEscaped
	text := lines(p, teamsText, escape, func(text, url string) string { return "[" + text + "](" + url + ")" })
	block := func(text string, more map[string]any) map[string]any {
		block := map[string]any{"type": "TextBlock", "text": text, "wrap": true}
		for key, value := range more {
			block[key] = value
		}
		return block
	}
	style := "warning"
	switch colour(p) {
	case 0xC62828:
		style = "attention"
	case 0x2E7D32:
		style = "good"
	case 0x1565C0:
		style = "accent"
	}
	return map[string]any{
		"type": "message",
		"attachments": []any{map[string]any{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content": map[string]any{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
				"body": []any{
					block(escape(oneLine(titleOf(p), 300)), map[string]any{"size": "Large", "weight": "Bolder", "color": style}),
					block(strings.ReplaceAll(text, "\n", "\n\n"), nil),
				},
			},
		}},
	}
}

// markdownEscaped is text that Markdown shows as it is.
func markdownEscaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_~|[]()<>#", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
