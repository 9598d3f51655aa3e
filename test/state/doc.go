// Package state tests what token servers remember, against real servers: one contract for the memory of a process and for
// Valkey or Redis, and what becomes of it when the server is down, hangs, is full, forgets, fails over or refuses.
package state
