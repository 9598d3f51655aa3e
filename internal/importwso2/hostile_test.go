package importwso2

import (
	"bytes"
	"strings"
	"testing"
)

// TestRefusedFiles: what cannot be read, or says two things, makes nothing at all.
func TestRefusedFiles(t *testing.T) {
	inner := func(text string) File {
		f := variant(t, "client.xml")
		before, rest, _ := strings.Cut(string(f.Text), "<inboundConfiguration>")
		_, after, _ := strings.Cut(rest, "</inboundConfiguration>")
		f.Text = []byte(before + "<inboundConfiguration>" + text + "</inboundConfiguration>" + after)
		return f
	}
	file := func(text string) File { return File{Name: "x.xml", Text: []byte(text)} }
	for name, tc := range map[string]struct {
		file File
		want string
	}{
		"external entity": {
			file(`<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><IdentityProvider><Alias>&e;</Alias></IdentityProvider>`), "document type",
		},
		"entities that grow": {file(`<!DOCTYPE a [<!ENTITY e "xx"><!ENTITY f "&e;&e;">]><IdentityProvider>&f;</IdentityProvider>`), "document type"},
		"unknown entity":     {file(`<IdentityProvider>&e;</IdentityProvider>`), "not XML"},
		"document type inside": {
			inner(`&lt;!DOCTYPE a [&lt;!ENTITY e SYSTEM "file:///etc/passwd"&gt;]&gt;&lt;oAuthAppDO&gt;&amp;e;&lt;/oAuthAppDO&gt;`), "inboundConfiguration: it has a document type",
		},
		"nothing inside":    {inner("&lt;!-- --&gt;"), "inboundConfiguration: it holds no element"},
		"not XML inside":    {inner("secret-that-is-not-xml"), "inboundConfiguration: line 1 holds text outside of all elements"},
		"too deep":          {file(strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40)), "deeper than 32"},
		"too many":          {file("<IdentityProvider>" + strings.Repeat("<a/>", 20_000) + "</IdentityProvider>"), "more than 20000 elements"},
		"too large":         {File{Name: "x.xml", Text: bytes.Repeat([]byte(" "), MaxBytes+1)}, "more than 1024 KiB"},
		"empty":             {file(""), "no element"},
		"not closed":        {file("<IdentityProvider>"), "not XML"},
		"two roots":         {file("<IdentityProvider/><IdentityProvider/>"), "more than one root"},
		"other encoding":    {file(`<?xml version="1.0" encoding="ISO-8859-1"?><IdentityProvider/>`), "x.xml: its encoding is not UTF-8: save it as UTF-8"},
		"not UTF-8":         {file("<IdentityProvider>\xff</IdentityProvider>"), "save it as UTF-8"},
		"UTF-16":            {file("\xff\xfe<\x00a\x00/\x00>\x00"), "save it as UTF-8"},
		"two marks":         {file("\ufeff\ufeff<IdentityProvider/>"), "a character that is no text"},
		"mark inside":       {file("<IdentityProvider>\ufeff</IdentityProvider>"), "a character that is no text"},
		"text before":       {file("a\n<IdentityProvider/>"), "line 2 holds text outside of all elements"},
		"text behind":       {file("<IdentityProvider/>\na"), "line 2 holds text outside of all elements"},
		"another root":      {file("<Envelope/>"), "neither IdentityProvider nor ServiceProvider"},
		"issuer twice":      {variant(t, "provider.xml", "</Issuer>", "</Issuer><Issuer>https://evil.example.com</Issuer>"), "Issuer stands there twice"},
		"two issuers":       {variant(t, "provider.xml", "<Value>https://localhost:9444/oauth2/token", "<Value>https://evil.example.com"), "another issuer than Issuer"},
		"property twice":    {variant(t, "provider.xml", "<Name>somethingNew</Name>\n        <Value>on", "<Name>idpIssuerName</Name>\n        <Value>https://localhost:9444/oauth2/token"), "idpIssuerName twice"},
		"certificate twice": {variant(t, "provider.xml", "</Certificate>", "</Certificate><Certificate>x</Certificate>"), "Certificate stands there twice"},
		"two URLs":          {variant(t, "provider-jwks.xml", "<Value>https://idp", "<Value>https://evil"), "another URL than JWKSEndpoint"},
		"two keys":          {variant(t, "client.xml", "<InboundAuthKey>4WCC", "<InboundAuthKey>5WCC"), "another key than InboundAuthKey"},
		"two OAuths":        {variant(t, "client.xml", ">samlsso<", ">oauth2<"), "a second OAuth configuration"},
		"secret twice": {
			variant(t, "client.xml", "&lt;oauthVersion&gt;", "&lt;oauthConsumerSecret&gt;another-secret-that-is-long&lt;/oauthConsumerSecret&gt;&lt;oauthVersion&gt;"),
			"oauthConsumerSecret stands there twice",
		},
		"an issuer that is none": {
			variant(t, "provider.xml", "https://localhost:9444/oauth2/token", "not an issuer"), "are not valid, so none is written:\nprovider.xml: IdentityProvider partner-is: spec.issuer: ",
		},
		"a client id that is bad":      {variant(t, "client.xml", "4WCCBckEpMMM5oFmC59EEtJXpzEa", "a\u0085b"), "a character that is no text"},
		"a client id that is too long": {variant(t, "client.xml", "4WCCBckEpMMM5oFmC59EEtJXpzEa", strings.Repeat("x", 300)), "are not valid"},
		"a URL that is none":           {variant(t, "provider-jwks.xml", "https://idp.example.com/oauth2/jwks", "file:///etc/passwd"), "are not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			result, err := Import(t.Context(), reader(t), []File{tc.file}, Options{Namespace: "team-a"})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error is %v, want %q", err, tc.want)
			}
			if len(result.Objects) > 0 {
				t.Errorf("it made %d objects all the same", len(result.Objects))
			}
		})
	}
}

// TestPlainSecret: what may be a hash or a cipher text is never taken for a secret.
func TestPlainSecret(t *testing.T) {
	for name, tc := range map[string]struct {
		value string
		plain bool
	}{
		"as the server makes them": {"_htM8KV73STHfzBO4TGbnC9iSswa", true},
		"with blanks":              {"correct horse battery staple", true},
		"hash as JSON":             {`{"hash":"f0e4c2f76c58916ec258f246851bea091d14d4247a2fc3e18694461b1816e13b","algorithm":"SHA-256"}`, false},
		"cipher text as JSON":      {"eyJjIjoiQUJDREVGRyIsInQiOiJSU0EiLCJ0cCI6IjAxIn0=", false},
		"hexadecimal hash":         {"f0e4c2f76c58916ec258f246851bea091d14d4247a2fc3e18694461b1816e13b", false},
		"hash in base64":           {"8OTC92xYkW7CWPJGhRvqCR0U1CR6L8PhhpRGGxgW4Ts=", false},
		"cipher text":              {strings.Repeat("QUJD", 86), false},
		"long":                     {strings.Repeat("x!", 300), false},
		"short":                    {"short", false},
		"line break":               {"a-secret-with\na-line-break", false},
	} {
		t.Run(name, func(t *testing.T) {
			if why := plainSecret(tc.value); (why == "") != tc.plain {
				t.Errorf("%q: %q", tc.value, why)
			}
		})
	}
}

func TestNames(t *testing.T) {
	n := names{}
	for i, tc := range []struct{ text, want string }{
		{"https://localhost:9444/oauth2/token", "localhost-9444-oauth2-token"},
		{"https://LOCALHOST:9444/oauth2/token/", "localhost-9444-oauth2-token-2"},
		{"Ünïcode", "n-code"},
		{"…", "imported"},
		{strings.Repeat("x", 80), strings.Repeat("x", 50)},
		{strings.Repeat("x", 49) + "-y", strings.Repeat("x", 49)},
	} {
		if got := n.take("IdentityProvider", tc.text); got != tc.want {
			t.Errorf("%d: %s becomes %s, want %s", i, tc.text, got, tc.want)
		}
	}
	if got := n.take("Secret", "imported"); got != "imported" {
		t.Errorf("another kind becomes %s", got)
	}
}

// FuzzImport: whatever a file holds, it ends with an error or with every element in the report.
func FuzzImport(f *testing.F) {
	for _, file := range load(f, "provider.xml", "client.xml", "provider-jwks.xml") {
		f.Add(file.Text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		result, err := Import(t.Context(), reader(t), []File{{Name: "x", Text: text}}, Options{Namespace: "team-a"})
		if err != nil {
			return
		}
		root, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		want := leaves(root)
		lines := 0
		for _, l := range result.Lines {
			if !strings.HasPrefix(l.Path, "oauth2/") && l.Verdict != Refused {
				lines++
			}
		}
		if lines != want {
			t.Errorf("%d elements, %d lines", want, lines)
		}
	})
}

// leaves are the elements that a report must tell of: those with text, but for the names of properties and what is a
// document of its own.
func leaves(n *node) int {
	count := 0
	if n.text != "" {
		count++
	}
	for _, c := range n.children {
		count += leaves(c)
		if key, value := property(c, "name"), property(c, "value"); key != nil && value != nil && key.text != "" {
			count--
		}
		if c.name == "inboundConfiguration" && len(c.children) == 0 && c.text != "" {
			count--
		}
	}
	return count
}

// TestTheFileOfARefusedObject: of several files it is named which one, also behind a certificate, whose lines end as the one between
// two objects does.
func TestTheFileOfARefusedObject(t *testing.T) {
	wrong := variant(t, "provider-jwks.xml", "https://idp.example.com/oauth2/jwks", "file:///etc/passwd")
	_, err := Import(t.Context(), reader(t), append(load(t, "provider.xml", "client.xml"), wrong), Options{Namespace: "team-a"})
	if err == nil || !strings.Contains(err.Error(), "written:\nprovider-jwks.xml: IdentityProvider ") || strings.Contains(err.Error(), "import.yaml") {
		t.Errorf("error is %v", err)
	}
}

// TestTextBetweenElements: what somebody wrote there is lost, and so it is in the report.
func TestTextBetweenElements(t *testing.T) {
	_, plain := written(t, load(t, "provider.xml")...)
	_, report := written(t, variant(t, "provider.xml", "<FederatedAuthenticatorConfigs>", "<FederatedAuthenticatorConfigs>false"))
	const want = ": FederatedAuthenticatorConfigs: it has text between its elements"
	if strings.Contains(plain, want) || !strings.Contains(report, want) {
		t.Errorf("the report is\n%s", report)
	}
}

// TestByteOrderMark: editors put one before a file, and it changes nothing.
func TestByteOrderMark(t *testing.T) {
	plain := load(t, "provider.xml")[0]
	manifests, report := written(t, plain)
	plain.Text = append([]byte("\ufeff"), plain.Text...)
	marked, markedReport := written(t, plain)
	if manifests != marked || report != markedReport {
		t.Errorf("%s\n%s", marked, markedReport)
	}
}
