package chart

import (
	"fmt"
	"strings"
)

// changes has another value for each value of the chart, and what of it must be seen.
var changes = map[string]struct {
	value any
	shows string
}{
	"issuer":                           {"https://auth.example.com/tenant", "--issuer=https://auth.example.com/tenant"},
	"watchNamespaces":                  {[]any{"kube-public", "default"}, "- --watch-namespaces=kube-public,default"},
	"keys.fetchFrom":                   {[]any{"10.0.0.0/8", "fd00::/8"}, "- --allow-key-fetch-from=10.0.0.0/8\n        - --allow-key-fetch-from=fd00::/8"},
	"keys.allowInsecureURLs":           {true, "--allow-insecure-key-urls"},
	"signingKeys.algorithm":            {"RS256", "--signing-algorithm=RS256"},
	"signingKeys.rotationInterval":     {"0s", "--signing-key-rotation=0s"},
	"signingKeys.importSecret":         {"old-key", "--import-signing-key=old-key"},
	"logLevel":                         {"debug", "--log-level=debug"},
	"image.repository":                 {"registry.example.com/grantor", "image: registry.example.com/grantor:v"},
	"image.tag":                        {"v9.9.9", "grantor:v9.9.9"},
	"image.digest":                     {"sha256:" + strings.Repeat("a", 64), "grantor@sha256:aaaa"},
	"image.pullPolicy":                 {"Always", "imagePullPolicy: Always"},
	"imagePullSecrets":                 {[]any{map[string]any{"name": "registry"}}, "imagePullSecrets:\n        - name: registry"},
	"operator.replicas":                {2, "replicas: 2"},
	"operator.resources":               {map[string]any{"limits": map[string]any{"memory": "1Gi"}}, "memory: 1Gi"},
	"operator.nodeSelector":            {map[string]any{"pool": "system"}, "nodeSelector:\n        pool: system"},
	"operator.tolerations":             {[]any{map[string]any{"key": "system", "operator": "Exists"}}, "tolerations:\n        - key: system\n          operator: Exists"},
	"tokenServer.replicas":             {0, "replicas: 0"},
	"tokenServer.drain":                {"60s", "terminationGracePeriodSeconds: 85"},
	"tokenServer.tracing.endpoint":     {"https://collector", "--trace-endpoint=https://collector"},
	"tokenServer.tracing.sampleRatio":  {0.5, "--trace-sample-ratio=0.5"},
	"tokenServer.tracing.continue":     {true, "--trace-continue"},
	"tokenServer.tracing.caSecret":     {"ca", "name: tracing-ca\n        secret:\n          secretName: ca"},
	"tokenServer.rememberedSignatures": {1000, "--remember-signatures=1000"},
	"metrics.maxObjects":               {0, "--metrics-max-objects=0"},
	"tokenServer.maxTrustStaleness":    {"2m", "--max-trust-staleness=2m"},
	"tokenServer.tls.secretName":       {"edge-tls", "volumes:\n      - name: tls\n        secret:\n          secretName: edge-tls"},
	"tokenServer.service.type":         {"LoadBalancer", "type: LoadBalancer"},
	"tokenServer.service.port":         {8443, "port: 8443"},
	"tokenServer.service.annotations":  {map[string]any{"a.example.com/b": "c"}, "a.example.com/b: c"},
	"tokenServer.resources":            {map[string]any{"requests": map[string]any{"cpu": 2}}, "cpu: 2"},
	"tokenServer.nodeSelector":         {map[string]any{"pool": "public"}, "pool: public"},
	"tokenServer.tolerations":          {[]any{map[string]any{"operator": "Exists"}}, "- operator: Exists"},

	"tokenServer.valkey.addresses":              {[]any{"a.test:6379", "[::1]:6380"}, "- --state=valkey\n        - --valkey-address=a.test:6379,[::1]:6380"},
	"tokenServer.valkey.cluster":                {true, "--valkey-cluster"},
	"tokenServer.valkey.sentinelMaster":         {"m", "--valkey-sentinel-master=m"},
	"tokenServer.valkey.database":               {3, "--valkey-database=3"},
	"tokenServer.valkey.prefix":                 {"other", "--valkey-prefix=other"},
	"tokenServer.valkey.username":               {"grantor", "--valkey-username=grantor"},
	"tokenServer.valkey.passwordSecret":         {"vk", "name: valkey-password\n        secret:\n          secretName: vk"},
	"tokenServer.valkey.sentinelUsername":       {"watcher", "--valkey-sentinel-username=watcher"},
	"tokenServer.valkey.sentinelPasswordSecret": {"vk", "name: valkey-sentinel\n        secret:\n          secretName: vk"},
	"tokenServer.valkey.tls.enabled":            {true, "--valkey-tls"},
	"tokenServer.valkey.tls.caSecret":           {"vk", "name: valkey-ca\n        secret:\n          secretName: vk"},
	"tokenServer.valkey.tls.clientSecret":       {"vk", "name: valkey-client\n        secret:\n          secretName: vk"},

	"grants.jwtBearer.enabled":         {false, "--disable-grant=jwt-bearer"},
	"grants.clientCredentials.enabled": {false, "--disable-grant=client-credentials"},
	"grants.refreshToken.enabled":      {false, "--disable-grant=refresh-token"},
	"grants.tokenExchange.enabled":     {false, "--disable-grant=token-exchange"},

	"tokenServer.tenantDomains":         {map[string]any{"example.com": "team-a", "a.example.com": "team-b"}, "- --tenant-domain=a.example.com=team-b\n        - --tenant-domain=example.com=team-a"},
	"tokenServer.trustedProxies":        {[]any{"10.1.2.0/24", "fd00::/64"}, "- --trusted-proxies=10.1.2.0/24\n        - --trusted-proxies=fd00::/64"},
	"tokenServer.trustedProxyHeader":    {"Forwarded", "--trusted-proxy-header=Forwarded"},
	"tokenServer.authFailures.burst":    {0, "--auth-failure-burst=0"},
	"tokenServer.authFailures.interval": {"60s", "--auth-failure-interval=60s"},

	"operator.priorityClassName":            {"system-cluster-critical", "priorityClassName: system-cluster-critical"},
	"operator.affinity":                     {map[string]any{"nodeAffinity": map[string]any{}}, "affinity:\n        nodeAffinity: {}"},
	"operator.topologySpreadConstraints":    {spread(), "maxSkew: 2"},
	"tokenServer.priorityClassName":         {"system-node-critical", "priorityClassName: system-node-critical"},
	"tokenServer.affinity":                  {map[string]any{"podAntiAffinity": map[string]any{}}, "affinity:\n        podAntiAffinity: {}"},
	"tokenServer.topologySpreadConstraints": {spread(), "maxSkew: 2"},

	"tokenServer.autoscaling.enabled":              {true, "kind: HorizontalPodAutoscaler"},
	"tokenServer.autoscaling.minReplicas":          {3, "minReplicas: 3"},
	"tokenServer.autoscaling.maxReplicas":          {5, "maxReplicas: 5"},
	"tokenServer.autoscaling.targetCPUUtilization": {50, "averageUtilization: 50"},

	"networkPolicy.callers":              {[]any{map[string]any{"namespaceSelector": map[string]any{}}}, "from:\n    - namespaceSelector: {}"},
	"networkPolicy.monitoringNamespaces": {[]any{"monitoring"}, "operator: In\n          values:\n          - monitoring"},
	"networkPolicy.apiServer.cidrs":      {[]any{"10.0.0.1/32", "fd00::1/128"}, "to:\n    - ipBlock:\n        cidr: 10.0.0.1/32\n    - ipBlock:\n        cidr: fd00::1/128"},
	"networkPolicy.apiServer.ports":      {[]any{16443}, "- port: 16443"},
	"networkPolicy.dns.to":               {[]any{map[string]any{"podSelector": map[string]any{}}}, "to:\n    - podSelector: {}"},
	"networkPolicy.dns.ports":            {[]any{53, 5353}, "- port: 5353\n      protocol: UDP\n    - port: 5353\n      protocol: TCP"},
	"networkPolicy.keySetPorts":          {[]any{443, 8443}, "- port: 443\n    - port: 8443"},
	"networkPolicy.valkey.to":            {[]any{map[string]any{"podSelector": map[string]any{"matchLabels": map[string]any{"app": "valkey"}}}}, "- port: 6379\n    to:\n    - podSelector:\n        matchLabels:\n          app: valkey"},
	"networkPolicy.valkey.ports":         {[]any{6379, 26379}, "- port: 6379\n    - port: 26379"},

	"networkPolicy.tracing.ports": {[]any{4319}, "- port: 4319"},
	"networkPolicy.tracing.to":    {[]any{map[string]any{"podSelector": map[string]any{"matchLabels": map[string]any{"app": "collector"}}}}, "- port: 4318\n    to:\n    - podSelector:\n        matchLabels:\n          app: collector"},

	"ingress.enabled":            {true, "kind: Ingress\n"},
	"ingress.className":          {"nginx", "ingressClassName: nginx"},
	"ingress.annotations":        {map[string]any{"a.example.com/b": "c"}, "a.example.com/b: c"},
	"ingress.tlsSecret":          {"edge-tls", "tls:\n  - hosts: [grantor.example.com]\n    secretName: edge-tls"},
	"httpRoute.enabled":          {true, "kind: HTTPRoute"},
	"httpRoute.annotations":      {map[string]any{"a.example.com/b": "c"}, "a.example.com/b: c"},
	"httpRoute.parentRefs":       {[]any{map[string]any{"name": "public", "namespace": "gateways"}}, "parentRefs:\n  - name: public\n    namespace: gateways"},
	"certificate.enabled":        {true, "kind: Certificate"},
	"certificate.dnsNames":       {[]any{"a.svc", "b.svc"}, "dnsNames:\n  - grantor.example.com\n  - a.svc\n  - b.svc"},
	"certificate.issuerRef.name": {"internal", "issuerRef:\n    name: internal\n    kind: ClusterIssuer"},
	"certificate.issuerRef.kind": {"Issuer", "kind: Issuer\n"},

	"metrics.access":             {"Network", "port: 8081\n    targetPort: ops"},
	"metrics.tls.secretName":     {"scrape-tls", "--metrics-tls-cert-file=/etc/grantor/metrics/tls.crt"},
	"metrics.tls.issuerRef.name": {"internal", "issuerRef:\n    name: internal\n    kind: ClusterIssuer"},
	"metrics.tls.issuerRef.kind": {"Issuer", "kind: Issuer\n"},

	"monitoring.serviceMonitor.enabled":  {true, "kind: ServiceMonitor"},
	"monitoring.serviceMonitor.labels":   {map[string]any{"release": "prometheus"}, "release: prometheus"},
	"monitoring.serviceMonitor.interval": {"15s", "interval: 15s"},
	"monitoring.prometheusRule.enabled":  {true, "kind: PrometheusRule"},
	"monitoring.prometheusRule.labels":   {map[string]any{"release": "prometheus"}, "release: prometheus"},
	"monitoring.dashboard.enabled":       {true, "grafana_dashboard: 1"},
	"monitoring.dashboard.labels":        {map[string]any{"folder": "auth"}, "folder: auth"},

	"console.enabled":           {true, "name: grantor-console\n"},
	"console.hosts":             {[]any{"console.example.com"}, "- --listen=:8082\n        - --allowed-host=console.example.com"},
	"console.callers":           {[]any{map[string]any{"namespaceSelector": map[string]any{}}}, "- port: pages\n    from:\n    - namespaceSelector: {}"},
	"console.tls.secretName":    {"console-tls", "secretName: console-tls"},
	"console.resources":         {map[string]any{"limits": map[string]any{"memory": "2Gi"}}, "memory: 2Gi"},
	"console.priorityClassName": {"system-cluster-critical", "priorityClassName: system-cluster-critical"},
	"console.nodeSelector":      {map[string]any{"pool": "people"}, "nodeSelector:\n        pool: people"},
	"console.tolerations":       {[]any{map[string]any{"key": "people", "operator": "Exists"}}, "tolerations:\n        - key: people\n          operator: Exists"},
	"console.affinity":          {map[string]any{"podAffinity": map[string]any{}}, "affinity:\n        podAffinity: {}"},

	"identityProviders": {[]any{declared("https://idp.example.com")}, "kind: IdentityProvider\nmetadata:\n  name: partner\n  namespace: kube-public"},
	"oauthClients":      {[]any{declaredClient()}, "kind: OAuthClient\nmetadata:\n  name: playground\n  namespace: auth"},
}

// hidden are the switches that take something away, and what must be gone.
var hidden = map[string]string{
	"crds.enabled":          "kind: CustomResourceDefinition",
	"crds.keep":             "helm.sh/resource-policy: keep",
	"networkPolicy.enabled": "kind: NetworkPolicy",
	"metrics.accessReview":  "subjectaccessreviews",
}

func spread() []any {
	return []any{map[string]any{
		"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": map[string]any{},
	}}
}

func declared(issuer string) map[string]any {
	return map[string]any{"name": "partner", "namespace": "kube-public", "spec": map[string]any{
		"issuer": issuer, "audienceAliases": []any{issuer}, "discovery": map[string]any{"url": issuer},
	}}
}

func declaredClient() map[string]any {
	return map[string]any{"name": "playground", "spec": map[string]any{
		"authentication": map[string]any{"clientSecret": map[string]any{"secretRef": map[string]any{"name": "playground"}}},
	}}
}

// needs are values without which others have no effect.
var needs = map[string]map[string]any{
	"tokenServer.valkey.addresses":              valkey("cluster", true),
	"tokenServer.valkey.username":               valkey("passwordSecret", "vk"),
	"tokenServer.valkey.sentinelUsername":       valkey("sentinelMaster", "m", "sentinelPasswordSecret", "watchers"),
	"tokenServer.valkey.sentinelPasswordSecret": valkey("sentinelMaster", "m"),
	"tokenServer.valkey.tls.":                   valkey("tls", map[string]any{"enabled": true}),

	"tokenServer.tracing.":     tracing("http://collector:4318"),
	"networkPolicy.tracing.":   tracing("http://collector:4318"),
	"tokenServer.autoscaling.": {"tokenServer": map[string]any{"autoscaling": map[string]any{"enabled": true}}},
	"ingress.":                 {"ingress": map[string]any{"enabled": true}},
	"httpRoute.":               {"httpRoute": map[string]any{"enabled": true, "parentRefs": []any{map[string]any{"name": "gateway"}}}},
	"certificate.": {
		"certificate": map[string]any{"enabled": true, "issuerRef": map[string]any{"name": "letsencrypt"}},
		"ingress":     map[string]any{"tlsSecret": "edge-tls"},
	},
	"watchNamespaces":            {"metrics": map[string]any{"accessReview": false}},
	"metrics.access":             {"monitoring": map[string]any{"serviceMonitor": map[string]any{"enabled": true}}},
	"metrics.tls.":               {"metrics": map[string]any{"tls": map[string]any{"secretName": "scrape-tls", "issuerRef": map[string]any{"name": "internal"}}}},
	"console.":                   {"console": map[string]any{"enabled": true}},
	"console.callers":            {"console": map[string]any{"hosts": []any{"console.example.com"}}},
	"monitoring.serviceMonitor.": {"monitoring": map[string]any{"serviceMonitor": map[string]any{"enabled": true}}},
	"monitoring.prometheusRule.": {"monitoring": map[string]any{"prometheusRule": map[string]any{"enabled": true}}},
	"monitoring.dashboard.":      {"monitoring": map[string]any{"dashboard": map[string]any{"enabled": true}}},
}

// valkey are values of tokenServer.valkey, a name and a value each.
func valkey(pairs ...any) map[string]any {
	values := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		values[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return map[string]any{"tokenServer": map[string]any{"valkey": values}}
}

// tracing are the values with a collector.
func tracing(endpoint string) map[string]any {
	return map[string]any{"tokenServer": map[string]any{"tracing": map[string]any{"endpoint": endpoint}}}
}

// sharing are the smallest values with Valkey.
func sharing() map[string]any {
	values := issuerAlone()
	values["tokenServer"] = map[string]any{"valkey": map[string]any{"addresses": []any{"valkey:6379"}}}
	return values
}

// with returns the smallest values with another one at a path; nil for a key without a value.
func with(path string, value any) map[string]any {
	values := issuerAlone()
	for _, below := range []string{"tokenServer.valkey.", "tokenServer.autoscaling.", "networkPolicy.valkey."} {
		if strings.HasPrefix(path, below) {
			values = sharing()
		}
	}
	for below, needed := range needs {
		if strings.HasPrefix(path, below) {
			merge(values, needed)
		}
	}
	at := values
	parts := strings.Split(path, ".")
	for _, part := range parts[:len(parts)-1] {
		next, ok := at[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[part] = next
		}
		at = next
	}
	last := parts[len(parts)-1]
	at[last] = value
	return values
}

// merge copies values into others, so that neither shares a map with what it came from.
func merge(into, from map[string]any) {
	for name, value := range from {
		below, ok := value.(map[string]any)
		if !ok {
			into[name] = value
			continue
		}
		next, ok := into[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			into[name] = next
		}
		merge(next, below)
	}
}
