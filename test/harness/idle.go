package harness

import "time"

// IdleConnTimeout is for how long a client of HTTP may keep a connection that nobody uses. A token server ends one on which
// nothing was ever asked after 5 seconds, and who asks at that moment gets no answer: a POST is not repeated. A client that
// dials more connections than it needs, as net/http does on a busy machine, has to end them first.
const IdleConnTimeout = 3 * time.Second
