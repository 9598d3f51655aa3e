// Package chart holds the tests of the Helm chart: what it renders for its default values, that every value has an effect
// and a wrong one is refused, that what it installs is what config/default installs, and that a real API server takes it.
package chart
