// Package elasticsearch holds the index templates as Elasticsearch reads them.
package elasticsearch

import _ "embed"

// Records is the composable index template of waybill-records-*.
//
//go:embed records.json
var Records string

// Journeys is that of waybill-journeys-*.
//
//go:embed journeys.json
var Journeys string
