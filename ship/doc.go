// Package ship takes logs that exist already into journeys, with no change to the
// program that writes them.
//
//	positions, _ := ship.OpenPositions("waybill-data/ship")
//	receipt, err := ship.Run(ctx, ship.Config{
//		Files: []string{"/var/log/app/*.log"}, Follow: true,
//		IDs: []ship.Source{id}, Carrier: carrier, Positions: positions,
//	})
//	// receipt.Read lines became receipt.Shipped records
//
//	file ─► lines ─► unwrapped, joined ─► parsed ─► records ─► batch ─► carrier
//	  ▲    offsets    docker, cri, several   format   identity      │      │
//	  └──── position ◄── moves in order, behind what was acknowledged ◄────┘
//
// # Identity
//
// A record's event.id is file:FINGERPRINT-OFFSET-SUM: the fingerprint is of the
// file's first bytes as it was first seen, the offset that of the line in what the
// file holds when decompressed, the sum that of the line's bytes. A file under
// another name, or compressed, is the same file; a line that is shipped twice is one
// record; equal lines at two offsets are two. So that the second copy has the same
// bytes, all that a record is made of stands in the line, the configuration, or the
// position: a line without a time has that of the line before it, or that of the
// file's first sight. Another configuration makes other records of the same identity,
// which the collector keeps apart as dead letters.
//
// The package never takes a line as shipped before the carrier has it acknowledged,
// and never changes a log.
package ship
