package instrument

// maxMessage bounds a record's message, in bytes as encoded; what is over is cut
// and marked.
const maxMessage = 256 << 10

// tailBytes is room for what record.AppendTail writes: five numbers of up to 20
// digits, their names, and the node's name once more.
const tailBytes = 256
