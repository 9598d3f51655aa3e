// Package docs runs what the documentation tells people to run, and checks that what it says exists does exist.
package docs
