{{/* Who signs leaves under cert-manager: the issuer given, else the chart's own authority. */}}
{{- define "policy.issuerRef" -}}
{{- $given := .Values.certificates.certManager.issuerRef -}}
{{- if $given.name -}}
{{ toJson $given }}
{{- else -}}
{name: {{ include "policy.fullname" . }}-ca, kind: Issuer, group: cert-manager.io}
{{- end -}}
{{- end -}}

{{/* A server's Certificate for cert-manager. Takes a dict: root, component. */}}
{{- define "policy.certificate" -}}
{{- $name := printf "%s-%s" (include "policy.fullname" .root) .component -}}
apiVersion: cert-manager.io/v1
kind: Certificate
metadata:
  name: {{ $name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "policy.labels" . | nindent 4 }}
spec:
  secretName: {{ include "policy.tlsSecret" . }}
  issuerRef: {{ include "policy.issuerRef" .root }}
  dnsNames:
    - {{ $name }}.{{ .root.Release.Namespace }}.svc
    - {{ $name }}.{{ .root.Release.Namespace }}.svc.cluster.local
    {{- if eq .component "registry" }}
    - localhost # through a port-forward
    {{- end }}
  duration: 2160h
  renewBefore: 720h
  privateKey: {algorithm: ECDSA, size: 256, rotationPolicy: Always}
  usages: [digital signature, server auth]
{{- end -}}

{{/* Whether cert-manager makes an authority for this release (true or nothing). */}}
{{- define "policy.ownAuthority" -}}
{{- if and (eq .Values.certificates.mode "cert-manager") (not .Values.certificates.certManager.issuerRef.name) }}true{{ end -}}
{{- end -}}

{{/* A Secret that the injector fills. Without `data` here, an upgrade leaves it alone. Takes a dict: root, component,
     name (what follows the release's). */}}
{{- define "policy.secretToFill" -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ include "policy.fullname" .root }}-{{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "policy.labels" . | nindent 4 }}
type: Opaque
{{- end -}}
