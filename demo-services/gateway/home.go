package gateway

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/waybill-log/waybill/demo-services/credential"
	"github.com/waybill-log/waybill/instrument"
)

// home is what the six services said.
type home struct {
	orders struct {
		Orders []order `json:"orders"`
	}
	reviews struct {
		Reviews []review `json:"reviews"`
	}
	products struct {
		Products []product `json:"products"`
	}
	recommendations struct {
		Recommendations []recommendation `json:"recommendations"`
	}
	stock struct {
		Stock []units `json:"stock"`
	}
	cart struct {
		Items []item `json:"items"`
	}
	missing []string
}

// The things of the home page, as services write them and as both versions show
// them; products differ.
type (
	order struct {
		ID            string    `json:"id" xml:"id,attr"`
		Points        int64     `json:"points" xml:"points"`
		Dollars       int64     `json:"dollars" xml:"dollars"`
		State         string    `json:"state" xml:"state"`
		CorrelationID string    `json:"correlation_id" xml:"correlation_id"`
		At            time.Time `json:"at" xml:"at"`
	}
	review struct {
		ID      id     `json:"id" xml:"id,attr"`
		Product id     `json:"product" xml:"product"`
		User    string `json:"user" xml:"user"`
		Stars   int    `json:"stars" xml:"stars"`
		Text    string `json:"text" xml:"text"`
	}
	product struct {
		ID    id    `json:"id"`
		Name  names `json:"name"`
		Price int64 `json:"price"` // dollars
	}
	recommendation struct {
		Product id      `json:"product" xml:"product"`
		Score   float64 `json:"score" xml:"score"`
	}
	units struct {
		Product id    `json:"product" xml:"product"`
		Units   int64 `json:"units" xml:"units"`
	}
	item struct {
		Product  id    `json:"product" xml:"product"`
		Quantity int64 `json:"quantity" xml:"quantity"`
	}
)

// home answers GET /home in one version. With a part missing it is still an
// answer, marked as partial; with none there it is not.
func (g *Gateway) home(as view) echo.HandlerFunc {
	return func(c echo.Context) error {
		want, err := accepted(c.Request())
		if err != nil {
			return err
		}
		ctx := c.Request().Context()
		h := g.gather(ctx)
		if len(h.missing) == len(h.branches()) {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("gather home page: %w", err)
			}
			return refuse(http.StatusServiceUnavailable, "service-unavailable", "No service of the home page answers. Try again later.").after(2 * time.Second)
		}
		who, _ := credential.From(ctx)
		id := instrument.CorrelationID(ctx)
		c.Response().Header().Set("Cache-Control", "no-store")
		return write(c, http.StatusOK, want, as(h, frame{
			User: who.Subject, CorrelationID: id, Track: trackPath(id), Partial: len(h.missing) > 0, Missing: h.missing,
		}))
	}
}
