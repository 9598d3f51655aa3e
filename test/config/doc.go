// Package config holds the tests of config/default on a real API server: its pods are admitted where the strictest
// standard is enforced, its ServiceAccounts may do what their roles are for and nothing else, and nobody but the operator
// writes a status.
package config
