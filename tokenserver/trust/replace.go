package trust

import iradix "github.com/hashicorp/go-immutable-radix/v2"

// ReplaceProviders makes the providers of a namespace, or all of them if it is empty, equal to the list: those that are not
// in it are removed.
func (t *Tx) ReplaceProviders(namespace string, providers []*Provider) {
	if namespace == "" {
		empty := emptySnapshot()
		t.providers, t.issuers, t.marks = empty.providers.Txn(), empty.issuers.Txn(), empty.marks.Txn()
	}
	for _, p := range within(t.providers, namespace) {
		t.DeleteProvider(p.Key)
	}
	for _, p := range providers {
		t.PutProvider(p)
	}
}

// ReplaceClients makes the clients of a namespace, or all of them if it is empty, equal to the list: those that are not in
// it are removed.
func (t *Tx) ReplaceClients(namespace string, clients []*Client) {
	if namespace == "" {
		empty := emptySnapshot()
		t.clients, t.clientIDs = empty.clients.Txn(), empty.clientIDs.Txn()
	}
	for _, c := range within(t.clients, namespace) {
		t.DeleteClient(c.Key)
	}
	for _, c := range clients {
		t.PutClient(c)
	}
}

// within returns the objects of a namespace.
func within[T any](tree *iradix.Txn[T], namespace string) (objects []T) {
	tree.Root().WalkPrefix(objectKey(ObjectKey{Namespace: namespace}), func(_ []byte, o T) bool {
		objects = append(objects, o)
		return false
	})
	return objects
}

// MarkUnloaded says that nothing may be answered from the store until MarkLoaded is called again: what it holds is too
// old to rely on.
func (t *Tx) MarkUnloaded() { t.next.loaded = false }
