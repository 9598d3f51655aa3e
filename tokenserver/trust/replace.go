package trust

// ReplaceProviders makes the providers of a namespace, or all of them if it is empty, equal to the list: those that are not
// in it are removed.
func (t *Tx) ReplaceProviders(namespace string, providers []*Provider) {
	if namespace == "" {
		empty := emptySnapshot()
		t.next.providers, t.next.issuers, t.next.marks = empty.providers, empty.issuers, empty.marks
	}
	for _, p := range t.next.providers.within(namespace) {
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
		t.next.clients, t.next.clientIDs = empty.clients, empty.clientIDs
	}
	for _, c := range t.next.clients.within(namespace) {
		t.DeleteClient(c.Key)
	}
	for _, c := range clients {
		t.PutClient(c)
	}
}

// MarkUnloaded says that nothing may be answered from the store until MarkLoaded is called again: what it holds is too
// old to rely on.
func (t *Tx) MarkUnloaded() { t.next.loaded = false }
