{{/* Names are fixed: the kinds serve the whole cluster, so a second installation is a mistake, and Helm then says so. */}}

{{/* What selects the pods of a component. */}}
{{- define "grantor.selector" -}}
app.kubernetes.io/name: grantor
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* Labels of any object; takes the root. */}}
{{- define "grantor.labels" -}}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "grantor.image" -}}
{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/*
A Deployment. Takes a dict: root, component, values (replicas, resources, and where its pods run), args, env, ports, volumes,
mounts, spec (more of the Deployment's spec), many (whether there can be more than one pod), scaled (whether something else
sets the number of pods) and grace (seconds).
*/}}
{{- define "grantor.deployment" -}}
{{- /* The console has no metrics worth a port. */}}
{{- $authorized := ternary "" (include "grantor.metrics.authorized" .root) (eq .component "console") }}
{{- $metricsTLS := ternary .root.Values.metrics.tls.secretName "" (ne $authorized "") }}
{{- $ports := ternary (merge (dict "metrics" 8443) .ports) .ports (ne $authorized "") }}
{{- $volumes := .volumes }}
{{- $mounts := .mounts }}
{{- if $metricsTLS }}
{{- $volumes = append $volumes (dict "name" "metrics-tls" "secret" (dict "secretName" $metricsTLS)) }}
{{- $mounts = append $mounts (dict "name" "metrics-tls" "mountPath" "/etc/grantor/metrics" "readOnly" true) }}
{{- end }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: grantor-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "grantor.selector" .component | nindent 4 }}
    {{- include "grantor.labels" .root | nindent 4 }}
spec:
  {{- if not .scaled }}
  replicas: {{ .values.replicas }}
  {{- end }}
  {{- with .spec }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "grantor.selector" .component | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "grantor.selector" .component | nindent 8 }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .component }}
    spec:
      serviceAccountName: grantor-{{ .component }}
      automountServiceAccountToken: true
      terminationGracePeriodSeconds: {{ .grace }}
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      containers:
      - name: {{ .component }}
        image: {{ include "grantor.image" .root }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        args:
        - {{ .component }}
        - --log-level={{ .root.Values.logLevel }}
        {{- range .args }}
        - {{ . | quote }}
        {{- end }}
        {{- if $authorized }}
        - --metrics-listen=:8443
        {{- end }}
        {{- if $metricsTLS }}
        - --metrics-tls-cert-file=/etc/grantor/metrics/tls.crt
        - --metrics-tls-key-file=/etc/grantor/metrics/tls.key
        {{- end }}
        env:
        # The garbage collector works harder before the kernel kills.
        - name: GOMEMLIMIT
          valueFrom:
            resourceFieldRef:
              resource: limits.memory
        {{- with .env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        ports:
        {{- range $name, $port := $ports }}
        - name: {{ $name }}
          containerPort: {{ $port }}
        {{- end }}
        startupProbe:
          httpGet:
            path: /healthz
            port: ops
          periodSeconds: 1
          failureThreshold: 30
        livenessProbe:
          httpGet:
            path: /healthz
            port: ops
          periodSeconds: 10
          timeoutSeconds: 5
          failureThreshold: 6
        readinessProbe:
          httpGet:
            path: /readyz
            port: ops
          periodSeconds: 2
          timeoutSeconds: 2
          failureThreshold: 2
        {{- with .values.resources }}
        resources:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        {{- with $mounts }}
        volumeMounts:
        {{- toYaml . | nindent 8 }}
        {{- end }}
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities:
            drop:
            - ALL
      {{- with $volumes }}
      volumes:
        {{- toYaml . | nindent 6 }}
      {{- end }}
      {{- with .values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- with .values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if .values.topologySpreadConstraints }}
      topologySpreadConstraints:
        {{- toYaml .values.topologySpreadConstraints | nindent 8 }}
      {{- else if .many }}
      # Not to be lost together with one node or zone; but better together than not at all.
      topologySpreadConstraints:
      {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
      - topologyKey: {{ . }}
        maxSkew: 1
        whenUnsatisfiable: ScheduleAnyway
        labelSelector:
          matchLabels:
            {{- include "grantor.selector" $.component | nindent 12 }}
        matchLabelKeys: [pod-template-hash]
      {{- end }}
      {{- end }}
      {{- with .values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end }}

{{/* Not empty where the API server says who may read metrics. Takes the root. */}}
{{- define "grantor.metrics.authorized" -}}
{{- if eq .Values.metrics.access "Authorized" }}yes{{ end }}
{{- end }}

{{/* The port of the pods at which metrics are. Takes the root. */}}
{{- define "grantor.metrics.port" -}}
{{- if include "grantor.metrics.authorized" . }}metrics{{ else }}ops{{ end }}
{{- end }}

{{/* The flags for all that is set of tokenServer.valkey beside the addresses, as a YAML list. */}}
{{- define "grantor.valkey.flags" -}}
{{- if .cluster }}
- --valkey-cluster
{{- end }}
{{- if .sentinelMaster }}
- --valkey-sentinel-master={{ .sentinelMaster }}
{{- end }}
{{- if .database }}
- --valkey-database={{ int .database }}
{{- end }}
{{- if ne .prefix "grantor" }}
- --valkey-prefix={{ .prefix }}
{{- end }}
{{- if .username }}
- {{ printf "--valkey-username=%s" .username | quote }}
{{- end }}
{{- if .passwordSecret }}
- --valkey-password-file=/etc/grantor/valkey/password/password
{{- end }}
{{- if .sentinelUsername }}
- {{ printf "--valkey-sentinel-username=%s" .sentinelUsername | quote }}
{{- end }}
{{- if .sentinelPasswordSecret }}
- --valkey-sentinel-password-file=/etc/grantor/valkey/sentinel/password
{{- end }}
{{- if .tls.enabled }}
- --valkey-tls
{{- end }}
{{- if .tls.caSecret }}
- --valkey-ca-file=/etc/grantor/valkey/ca/ca.crt
{{- end }}
{{- if .tls.clientSecret }}
- --valkey-cert-file=/etc/grantor/valkey/client/tls.crt
- --valkey-key-file=/etc/grantor/valkey/client/tls.key
{{- end }}
{{- end }}

{{/* A role and its binding to the ServiceAccount of a component. Takes a dict: root, component, kind, name, namespace of a Role, rules. */}}
{{- define "grantor.role" -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ .name }}
  {{- with get . "namespace" }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "grantor.selector" .component | nindent 4 }}
    {{- include "grantor.labels" .root | nindent 4 }}
rules:
{{ toYaml .rules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ .kind }}Binding
metadata:
  name: {{ .name }}
  {{- with get . "namespace" }}
  namespace: {{ . }}
  {{- end }}
  labels:
    {{- include "grantor.selector" .component | nindent 4 }}
    {{- include "grantor.labels" .root | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name }}
subjects:
- kind: ServiceAccount
  name: grantor-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
{{- end }}

{{/* The flag of both components for the namespaces that are served, as a YAML list. */}}
{{- define "grantor.watch" -}}
{{- with .Values.watchNamespaces }}
- --watch-namespaces={{ join "," . }}
{{- end }}
{{- end }}

{{/* The flags for the grants that are off, as a YAML list. */}}
{{- define "grantor.grants" -}}
{{- with .Values.grants }}
{{- if not .jwtBearer.enabled }}
- --disable-grant=jwt-bearer
{{- end }}
{{- if not .clientCredentials.enabled }}
- --disable-grant=client-credentials
{{- end }}
{{- if not .tokenExchange.enabled }}
- --disable-grant=token-exchange
{{- end }}
{{- if not .refreshToken.enabled }}
- --disable-grant=refresh-token
{{- end }}
{{- end }}
{{- end }}

{{/* Keeps all pods of a component but one while nodes are drained. Takes a dict: root, component. */}}
{{- define "grantor.disruption" -}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: grantor-{{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "grantor.selector" .component | nindent 4 }}
    {{- include "grantor.labels" .root | nindent 4 }}
spec:
  maxUnavailable: 1
  # A pod that is not Ready keeps nobody from draining its node.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "grantor.selector" .component | nindent 6 }}
{{- end }}

{{/* Where both components may go, as a list of egress rules: name servers and the API server. Takes the root. */}}
{{- define "grantor.egress" -}}
{{- with .Values.networkPolicy -}}
- ports:
  {{- range .dns.ports }}
  - port: {{ . }}
    protocol: UDP
  - port: {{ . }}
    protocol: TCP
  {{- end }}
  {{- with .dns.to }}
  to:
  {{- toYaml . | nindent 2 }}
  {{- end }}
- ports:
  {{- range .apiServer.ports }}
  - port: {{ . }}
  {{- end }}
  {{- with .apiServer.cidrs }}
  to:
  {{- range . }}
  - ipBlock:
      cidr: {{ . | quote }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Lets pods of networkPolicy.monitoringNamespaces to the metrics, as a list of ingress rules. Takes the root. */}}
{{- define "grantor.scrape" -}}
- ports:
  - port: {{ include "grantor.metrics.port" . }}
  from:
  - namespaceSelector:
      matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values:
        {{- toYaml .Values.networkPolicy.monitoringNamespaces | nindent 8 }}
{{- end }}
