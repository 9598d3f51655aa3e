package trust

// ReplaceProviders makes the providers equal to the list, and removes every other.
func (t *Tx) ReplaceProviders(providers []*Provider) {
	empty := emptySnapshot()
	t.providers, t.issuers = empty.providers.Txn(), empty.issuers.Txn()
	for _, p := range providers {
		t.PutProvider(p)
	}
}

// ReplaceClients makes the clients equal to the list, and removes every other.
func (t *Tx) ReplaceClients(clients []*Client) {
	empty := emptySnapshot()
	t.clients, t.clientIDs = empty.clients.Txn(), empty.clientIDs.Txn()
	for _, c := range clients {
		t.PutClient(c)
	}
}

// MarkUnloaded says that nothing may be answered from the store until MarkLoaded is called again: what it holds is too
// old to rely on.
func (t *Tx) MarkUnloaded() { t.next.loaded = false }
