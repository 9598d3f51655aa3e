// Package catalog holds what the console shows of all objects: a row for each, with its health and the dates of its keys.
//
// It follows the two kinds with list and watch, and keeps of an object no more than its row, so that 100,000 of them fit
// beside what else the process needs. A whole object is read when its page is asked for. It writes nothing, and asks for
// no other kind: Secrets are none of its business.
package catalog
