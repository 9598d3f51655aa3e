package importwso2

import (
	"bytes"
	"encoding/base64"
	"flag"
	"html"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grantor-dev/grantor/internal/manifests"
)

var update = flag.Bool("update", false, "write the golden files")

var newReader = sync.OnceValues(manifests.NewReader)

// reader judges for all tests: it takes a while to make.
func reader(t testing.TB) *manifests.Reader {
	t.Helper()
	r, err := newReader()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// load reads files of testdata.
func load(t testing.TB, names ...string) []File {
	t.Helper()
	var files []File
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Name: name, Text: text})
	}
	return files
}

// written returns the manifests and the report of files.
func written(t *testing.T, files ...File) (manifests, report string) {
	t.Helper()
	result, err := Import(t.Context(), reader(t), files, Options{Namespace: "team-a", Now: time.UnixMilli(1_780_000_000_000)})
	if err != nil {
		t.Fatal(err)
	}
	text, err := Manifests(result.Objects)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := result.WriteReport(&b); err != nil {
		t.Fatal(err)
	}
	return string(text), b.String()
}

func TestGolden(t *testing.T) {
	manifests, report := written(t, load(t, "provider.xml", "client.xml", "provider-jwks.xml")...)
	for name, got := range map[string]string{"manifests.golden": manifests, "report.golden": report} {
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, secret := range []string{"_htM8KV73STHfzBO4TGbnC9iSswa", "the-secret-that-was-used-before", "sign-in-secret-of-the-partner"} {
		if strings.Contains(report, secret) {
			t.Errorf("the report holds %s", secret)
		}
	}
}

// TestEveryField: the files of testdata hold every field, and every field is in the report as its table says.
func TestEveryField(t *testing.T) {
	result, err := Import(t.Context(), reader(t), load(t, "provider.xml", "client.xml", "provider-jwks.xml"), Options{Namespace: "team-a", Now: time.UnixMilli(1_780_000_000_000)})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, l := range result.Lines {
		fields := ProviderFields()
		if l.File == "client.xml" {
			fields = ClientFields()
		}
		if f, ok := fieldOf(fields, l.Path); ok {
			seen[l.File[:1]+" "+f.Path] = true
		} else if l.Why != "it is not known to this import" {
			t.Errorf("%s is in no table: %+v", l.Path, l)
		}
	}
	for kind, fields := range map[string][]Field{"p": ProviderFields(), "c": ClientFields()} {
		for _, f := range fields {
			if !seen[kind+" "+f.Path] && f.Path != "InboundAuthenticationRequestConfig/Properties/oauthConsumerSecret" { // TestImport has it.
				t.Errorf("no file has %s %s", kind, f.Path)
			}
			if f.Verdict != Carried && f.Why == "" {
				t.Errorf("nothing says why %s is %s", f.Path, f.Verdict)
			}
		}
	}
}

// variant is a file of testdata with some text replaced.
func variant(t testing.TB, name string, replace ...string) File {
	t.Helper()
	f := load(t, name)[0]
	for i := 0; i < len(replace); i += 2 {
		if !bytes.Contains(f.Text, []byte(replace[i])) {
			t.Fatalf("%s does not hold %s", name, replace[i])
		}
		f.Text = bytes.ReplaceAll(f.Text, []byte(replace[i]), []byte(replace[i+1]))
	}
	return f
}

// TestImport: what one change of a file changes.
func TestImport(t *testing.T) {
	const grants = "refresh_token urn:ietf:params:oauth:grant-type:saml2-bearer password client_credentials urn:ietf:params:oauth:grant-type:jwt-bearer"
	element := func(name, text string) string { return "&lt;" + name + "&gt;" + text + "&lt;/" + name + "&gt;" }
	secret := element("oauthConsumerSecret", "_htM8KV73STHfzBO4TGbnC9iSswa")
	for name, tc := range map[string]struct {
		file              File
		manifests, report string
	}{
		"W-01 the name is the issuer": {
			variant(t, "provider-jwks.xml", ">https://idp.example.com<", ">https://other.example.com<"),
			"issuer: https://other.example.com\n", "IdentityProviderName → spec.issuer",
		},
		"W-01 another issuer counts more": {variant(t, "provider.xml"), "issuer: https://localhost:9444/oauth2/token\n", "Issuer → spec.issuer"},
		"W-02 PEM as it is": {
			variant(t, "provider.xml", "<Certificate>"+encoded(t), "<Certificate>"+decoded(t)), "-----BEGIN CERTIFICATE-----", "Certificate → spec.certificateSecretRef",
		},
		"W-02 a list":       {variant(t, "provider.xml", encoded(t), `[{"thumbPrint":"x","certValue":"`+encoded(t)+`"}]`), "-----BEGIN CERTIFICATE-----", "Certificate → spec.certificateSecretRef"},
		"W-03 no alias":     {variant(t, "provider.xml", "<Alias>https://localhost:9443/oauth2/token", "<Alias>"), "", "refused:\n  provider.xml:3: IdentityProvider: it has no Alias"},
		"no key":            {variant(t, "provider.xml", encoded(t), ""), "", "it has no usable key"},
		"a broken key":      {variant(t, "provider.xml", encoded(t), "TUlJ"), "", "it has no usable key"},
		"no name":           {variant(t, "provider.xml", "Partner IS", ""), "", "there is no IdentityProviderName"},
		"W-41 disabled":     {variant(t, "provider.xml", "<IsEnabled>true</IsEnabled>\n    <IsFed", "<IsEnabled>false</IsEnabled>\n    <IsFed"), "grantEnabled: false", ""},
		"W-41 not said":     {variant(t, "provider.xml", "<IsEnabled>true</IsEnabled>\n    <IsFed", "<IsFed"), "grantEnabled: false", ""},
		"W-60 default":      {variant(t, "provider.xml"), `expression: '"department" in claims ? claims["department"] : "none yet"'`, ""},
		"W-60 quotes":       {variant(t, "provider.xml", "none yet", `" : claims.sub + "`), `? claims["department"] : "\" : claims.sub`, ""},
		"W-60 URI":          {variant(t, "provider.xml", "<ClaimUri>department</ClaimUri></RemoteClaim>", "<ClaimUri>http://x/claims/dep</ClaimUri></RemoteClaim>"), `claim: dep`, ""},
		"W-60 roles":        {variant(t, "provider.xml"), `{"purchasing": "buyer"}[g]`, "RoleClaimURI → spec.claimMappings"},
		"W-60 no role URI":  {variant(t, "provider.xml", "<RoleClaimURI>groups", "<RoleClaimURI>"), "claim: department", "RemoteRole: RoleClaimURI does not say"},
		"jwks and cert":     {variant(t, "provider.xml", "</Issuer>", "</Issuer><JWKSEndpoint>https://x.example.com/jwks</JWKSEndpoint>"), "url: https://x.example.com/jwks", "Certificate: the keys are those of the key set"},
		"W-08 public":       {variant(t, "client.xml", element("bypassClientCredentials", "false"), element("bypassClientCredentials", "true")), "public: {}", "ClientCredentials (not for public clients)"},
		"none":              {variant(t, "client.xml", "client_secret_basic", "none"), "public: {}", "oauthConsumerSecret: the client is public"},
		"signed":            {variant(t, "client.xml", "client_secret_basic", "private_key_jwt"), "url: https://app.example.com/jwks", "JwksUri → spec.authentication.privateKeyJWT.jwksURI.url"},
		"signed, PEM":       {variant(t, "client.xml", "client_secret_basic", "private_key_jwt", "https://app.example.com/jwks", "", "<Certificate>-", "<Certificate>"+encoded(t)), "name: play-ground-cert", "Certificate → spec.authentication"},
		"signed by nothing": {variant(t, "client.xml", "client_secret_basic", "private_key_jwt", "https://app.example.com/jwks", ""), "", "how it authenticates cannot be carried over"},
		"TLS":               {variant(t, "client.xml", "client_secret_basic", "tls_client_auth"), "", "how it authenticates cannot be carried over"},
		"hashed":            {variant(t, "client.xml", secret, element("oauthConsumerSecret", `{"hash":"abc","algorithm":"SHA-256"}`)), "generate: true", "it is a hash or a cipher text, not the secret: a new one is made"},
		"no secret":         {variant(t, "client.xml", secret, ""), "generate: true", "note: client.xml: the file has no secret: the operator makes a new one"},
		"secret as property": {
			variant(t, "client.xml", "<inboundConfiguration>", "<x>", "</inboundConfiguration>", "</x>", "somethingNew</Name><Value>on", "oauthConsumerSecret</Name><Value>a-secret-of-at-least-16-bytes"),
			"client_secret: a-secret-of-at-least-16-bytes", "Properties/oauthConsumerSecret → a Secret",
		},
		"as elements": {
			variant(t, "client.xml", "<inboundConfiguration>", "<InboundConfigurationProtocol>", "</inboundConfiguration>", "</InboundConfigurationProtocol>",
				`&lt;?xml version="1.0" encoding="UTF-8" standalone="yes"?&gt;`, "", "&lt;oAuthAppDO&gt;", "", "&lt;/oAuthAppDO&gt;", "", "&lt;", "<", "&gt;", ">"),
			"client_secret: _htM8KV73STHfzBO4TGbnC9iSswa", "oauth2/oauthConsumerKey → spec.clientID",
		},
		"own tokens alone":            {variant(t, "client.xml", grants, "client_credentials"), "lifetime: 3600s", "refreshTokenExpiryTime: the client gets no refresh tokens"},
		"refresh alone":               {variant(t, "client.xml", grants, "refresh_token"), "grantTypes: []", "no grant that is left issues refresh tokens"},
		"no grant":                    {variant(t, "client.xml", grants, "password"), "grantTypes: []", "not here: password"},
		"for ever":                    {variant(t, "client.xml", element("userAccessTokenExpiryTime", "1800"), element("userAccessTokenExpiryTime", "-1")), "lifetime: 86400s", "86400s is the longest there is"},
		"too short":                   {variant(t, "client.xml", element("userAccessTokenExpiryTime", "1800"), element("userAccessTokenExpiryTime", "30")), "lifetime: 60s", "60s is the shortest there is"},
		"default":                     {variant(t, "client.xml", element("userAccessTokenExpiryTime", "1800"), element("userAccessTokenExpiryTime", "0")), "lifetime: 3600s", "0 is the default of the server"},
		"no number":                   {variant(t, "client.xml", element("userAccessTokenExpiryTime", "1800"), element("userAccessTokenExpiryTime", "soon")), "lifetime: 3600s", "it is no number"},
		"refresh first":               {variant(t, "client.xml", element("refreshTokenExpiryTime", "86400"), element("refreshTokenExpiryTime", "600")), "accessToken:\n    lifetime: 600s", ""},
		"not OAuth":                   {variant(t, "client.xml", ">oauth2<", ">openid<"), "", "it has no OAuth configuration"},
		"off":                         {variant(t, "client.xml", "<IsApplicationEnabled>true", "<IsApplicationEnabled>false"), "grantEnabled: false", "IsApplicationEnabled → spec.grantEnabled"},
		"off, in other words":         {variant(t, "client.xml", "<IsApplicationEnabled>true", "<IsApplicationEnabled>no"), "grantEnabled: false", ""},
		"revoked":                     {variant(t, "client.xml", element("state", "ACTIVE"), element("state", "REVOKED")), "grantEnabled: false", "oauth2/state → spec.grantEnabled"},
		"W-09 a second secret":        {variant(t, "client.xml"), "previous_client_secret: the-secret-that-was-used-before", "additionalOauthConsumerSecret/secretValue → a Secret"},
		"a second one that ended":     {variant(t, "client.xml", element("expiryTime", "1893456000000"), element("expiryTime", "1780000000000")), "stringData:\n  client_secret: _htM8KV73STHfzBO4TGbnC9iSswa\n---", "secretValue: it has ended"},
		"a second one that is a hash": {variant(t, "client.xml", "the-secret-that-was-used-before", `{"hash":"abc","algorithm":"SHA-256"}`), "stringData:\n  client_secret: _htM8KV73STHfzBO4TGbnC9iSswa\n---", "secretValue: it is a hash"},
		"a third one": {
			variant(t, "client.xml", "&lt;/additionalOauthConsumerSecret&gt;", "&lt;/additionalOauthConsumerSecret&gt;&lt;additionalOauthConsumerSecret&gt;"+
				element("secretValue", "a-third-secret-of-many-bytes")+"&lt;/additionalOauthConsumerSecret&gt;"),
			"previous_client_secret: the-secret-that-was-used-before", "secretValue: a client has two secrets at most",
		},
		"a secret that ended":      {variant(t, "client.xml", element("oauthConsumerSecretExpiryTime", "1893456000000"), element("oauthConsumerSecretExpiryTime", "1780000000000")), "generate: true", "it has ended: a new one is made"},
		"a secret that ends later": {variant(t, "client.xml"), "client_secret: _htM8KV73STHfzBO4TGbnC9iSswa", "oauthConsumerSecretExpiryTime: a secret does not end by itself here"},
		"a secret with an odd end": {variant(t, "client.xml", element("oauthConsumerSecretExpiryTime", "1893456000000"), element("oauthConsumerSecretExpiryTime", "soon")), "generate: true", "it is not known when it ends"},
		"a secret without end":     {variant(t, "client.xml", element("oauthConsumerSecretExpiryTime", "1893456000000"), element("oauthConsumerSecretExpiryTime", "0")), "client_secret: _htM8KV73STHfzBO4TGbnC9iSswa", "oauthConsumerSecretExpiryTime: it is off"},
		"as CDATA":                 {cdata(t), "client_secret: _htM8KV73STHfzBO4TGbnC9iSswa", "oauth2/oauthConsumerKey → spec.clientID"},
		"another certificate": {
			variant(t, "provider.xml", "<certValue>"+encoded(t), "<certValue>"+encoded(t)[:40]+"QUFB"+encoded(t)[44:]), "name: partner-is-cert", "certValue: assertions are verified by Certificate",
		},
		"two certificates": {
			variant(t, "provider.xml", "<Certificate>"+encoded(t), `<Certificate>[{"thumbPrint":"x","certValue":"`+encoded(t)+`"},{"thumbPrint":"y","certValue":"`+encoded(t)+`"}]`),
			"name: partner-is-cert", "note: provider.xml: it has 2 certificates",
		},
		"no key of client": {variant(t, "client.xml", "4WCCBckEpMMM5oFmC59EEtJXpzEa", ""), "", "its OAuth configuration has no consumer key"},
	} {
		t.Run(name, func(t *testing.T) {
			manifests, report := written(t, tc.file)
			if !strings.Contains(manifests, tc.manifests) || !strings.Contains(report, tc.report) || tc.manifests == "" && manifests != "" {
				t.Errorf("want %q and %q in\n%s\n%s", tc.manifests, tc.report, manifests, report)
			}
		})
	}
}

// cdata is client.xml with the inner document as exports have it.
func cdata(t testing.TB) File {
	t.Helper()
	f := variant(t, "client.xml")
	before, rest, _ := strings.Cut(string(f.Text), "<inboundConfiguration>")
	inner, after, _ := strings.Cut(rest, "</inboundConfiguration>")
	f.Text = []byte(before + "<inboundConfiguration><![CDATA[" + html.UnescapeString(inner) + "]]></inboundConfiguration>" + after)
	return f
}

// encoded is the certificate of provider.xml.
func encoded(t testing.TB) string {
	t.Helper()
	_, rest, _ := strings.Cut(string(load(t, "provider.xml")[0].Text), "<Certificate>")
	text, _, _ := strings.Cut(rest, "<")
	return text
}

func decoded(t testing.TB) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(encoded(t))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
