// Package config holds the tests of config/default on a real API server: its pods are admitted where the strictest
// standard is enforced, its ServiceAccounts may do what their roles are for and nothing else, nobody but the operator
// writes a status, and neither process writes Secrets or Leases that are not its own, whatever its role says.
package config
