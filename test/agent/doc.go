// Package agent runs the commands that ask for tokens, grantor exchange and grantor agent, as processes against a token server
// as it ships, over TLS: in each way in which a client can authenticate, and with everything that can go wrong beneath a file.
package agent
