// Package agent keeps an access token for a workload beside it: in a file that is always whole and, as long as the token server
// can be asked once in its life, always good; and, for those who ask on the loopback address, tokens for one API or another.
//
// A token that is there is kept until a better one is. It must never log a token, write a part of one, hand one to somebody
// who is not in the same pod, or let a page in a browser ask. What it asks with is the matter of internal/exchange.
package agent
