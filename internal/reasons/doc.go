// Package reasons says to people what each reason of a refusal means, where it usually comes from, and what to do about it.
//
// It is the one source of those texts: the error reference is written from it, and whatever explains a refusal takes them
// from here. It decides nothing, and what a caller of the token server gets to read is not here but in package oauth: these
// texts tell apart what a caller must not.
package reasons
