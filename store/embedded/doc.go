// Package embedded is the store inside the waybill binary, in a folder that
// belongs to one process.
//
//	st, err := embedded.Open(embedded.Config{Dir: "waybill-data/store"})
//	res, err := st.Put(ctx, entries) // on disk, synced, when it returns
//
// It needs no server and never talks to one. Records lie in segments, each a SQLite
// file of one UTC day. New records go to the day's hot segment: its file is a
// journal of compressed blocks, and what is asked is answered from memory. When it
// is full it is sealed in the background: a new file holds its records journey by
// journey, and takes its place once it is complete. Sealed files never change;
// retention removes them whole.
//
// Records are found by terms: a field's value, a word, a label. Each term has the
// numbers of the records that have it, in memory or in the sealed file. A filter in
// memory tells, for each sealed segment, which terms it cannot have, so that
// looking up an ID reads the files that hold it and no others.
package embedded
