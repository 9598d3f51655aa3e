// Package scrape lets those read the metrics of a process whom the cluster lets: the API server says by TokenReview who shows
// a token, and by SubjectAccessReview whether that one may get the path /metrics.
//
// Who cannot be judged gets nothing: where the API server does not answer in time, the answer is 503. A permission is
// remembered for a minute, as the digest of the token that had it; a refusal is not remembered. No token is logged or kept.
package scrape
