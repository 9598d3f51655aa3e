package importwso2

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/grantor-dev/grantor/api/v1alpha1"
	"github.com/grantor-dev/grantor/tokenserver/claimrules"
)

// rolesClaim is the claim of the access token in which mapped roles stand.
const rolesClaim = "roles"

// claimMappings are those of ClaimConfig, and the roles of PermissionAndRoleConfig.
func (im *importer) claimMappings(d *document) []v1alpha1.ClaimMapping {
	m := &mappings{d: d, compiler: im.compiler, taken: map[string]bool{}}
	for _, n := range d.at("ClaimConfig/ClaimMappings").all("ClaimMapping") {
		m.claim(n)
	}
	m.roles()
	return m.list
}

// mappings are claim mappings on their way.
type mappings struct {
	d        *document
	compiler *claimrules.Compiler
	list     []v1alpha1.ClaimMapping
	taken    map[string]bool
}

// claim maps one claim of the issuer.
func (m *mappings) claim(n *node) {
	remote := m.d.one(m.d.one(n, "RemoteClaim"), "ClaimUri")
	local := m.d.one(m.d.one(n, "LocalClaim"), "ClaimUri")
	standard := m.d.one(n, "DefaultValue")
	if textOf(remote) == "" {
		return
	}
	other := "null"
	if textOf(standard) != "" {
		other = strconv.Quote(standard.text)
	}
	why := m.add(nameOfClaim(remote.text), fmt.Sprintf("%s ? %s : %s", present(remote.text), claim(remote.text), other))
	for _, told := range []*node{remote, local, standard} {
		if why == "" {
			m.d.carry(told)
		} else {
			m.d.tell(told, Lost, "", why)
		}
	}
}

// roles maps the groups of the issuer to roles.
func (m *mappings) roles() {
	from := m.d.at("ClaimConfig/RoleClaimURI")
	var pairs []string
	var told []*node
	seen := map[string]bool{}
	for _, n := range m.d.at("PermissionAndRoleConfig/RoleMappings").all("RoleMapping") {
		remote, local := m.d.one(n, "RemoteRole"), m.d.one(m.d.one(n, "LocalRole"), "LocalRoleName")
		if textOf(remote) == "" || textOf(local) == "" {
			continue
		}
		if seen[remote.text] { // One group can be several roles there; a map has one value for a key.
			m.d.tell(remote, Lost, "", "the group has another role already")
			m.d.tell(local, Lost, "", "the group has another role already")
			continue
		}
		seen[remote.text] = true
		pairs = append(pairs, strconv.Quote(remote.text)+": "+strconv.Quote(local.text))
		told = append(told, remote, local)
	}
	if len(pairs) == 0 {
		return
	}
	why := "RoleClaimURI does not say which claim the roles are in"
	if textOf(from) != "" {
		table := "{" + strings.Join(pairs, ", ") + "}"
		why = m.add(rolesClaim, fmt.Sprintf("%s && type(%s) == list ? dyn(%s.filter(g, g in %s).map(g, %s[g])) : null",
			present(from.text), claim(from.text), claim(from.text), table, table))
	}
	for _, n := range append(told, from) {
		if why == "" {
			m.d.carry(n)
		} else {
			m.d.tell(n, Lost, "", why)
		}
	}
}

// nameOfClaim is the name that a claim has in the access token. Of a claim of a dialect of URIs, that is the last part.
func nameOfClaim(name string) string { return name[strings.LastIndexAny(name, "/#")+1:] }

// add maps a claim, and says why it cannot, or nothing.
func (m *mappings) add(name, expression string) string {
	switch {
	case claimrules.CheckMappedClaim(name) != nil:
		return "the token server sets this claim itself, or it is no name of a claim"
	case m.taken[name]:
		return "another mapping has this name already"
	case len(m.list) == claimrules.MaxMappings:
		return fmt.Sprintf("there are %d mappings at most", claimrules.MaxMappings)
	case len(expression) > claimrules.MaxExpressionBytes:
		return fmt.Sprintf("as an expression it is longer than %d bytes", claimrules.MaxExpressionBytes)
	}
	if _, err := m.compiler.Compile(claimrules.Rules{Mappings: []claimrules.Mapping{{Claim: name, Expression: expression}}}); err != nil {
		return "it cannot be said as an expression"
	}
	m.taken[name] = true
	m.list = append(m.list, v1alpha1.ClaimMapping{Claim: name, Expression: expression})
	return ""
}

// claim and present are a claim in CEL, and whether it is there. The name is quoted, so that it is data whatever it holds.
func claim(name string) string   { return "claims[" + strconv.Quote(name) + "]" }
func present(name string) string { return strconv.Quote(name) + " in claims" }
