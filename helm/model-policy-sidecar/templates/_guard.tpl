{{/* Settings of `sidecar run` for every guarded pod (YAML). */}}
{{- define "policy.settings" -}}
{{- $settings := deepCopy .Values.guard.settings -}}
{{- with .Values.guard.audit.archive }}{{ $_ := set $settings "audit_archive" . }}{{ end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* The algorithm of a public key (PEM), by the first bytes of every P-256 key; the only other kind that OPA takes is RSA. */}}
{{- define "policy.algorithm" -}}
{{- contains "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE" . | ternary "ES256" "RS256" -}}
{{- end -}}

{{/* The share of decisions of the embedded engine that OPA is asked, too; 0 unless given. */}}
{{- define "policy.crossCheckShare" -}}
{{- get .Values.guard.settings "cross_check_share" | default 0 | float64 -}}
{{- end -}}

{{/* "true" where a guarded pod has OPA in it: as its engine, or to be asked the same now and then. */}}
{{- define "policy.runsOpa" -}}
{{- if or (eq .Values.guard.engine "opa") (gt (include "policy.crossCheckShare" . | float64) 0.0) }}true{{ end -}}
{{- end -}}

{{/* "true" where rules and data come in bundles; else the embedded engine has the shipped rules and the Secret's data. */}}
{{- define "policy.hasBundles" -}}
{{- if or (eq .Values.guard.engine "opa") .Values.registry.enabled .Values.guard.opaConfig }}true{{ end -}}
{{- end -}}

{{/* OPA's configuration, as `sidecar registry opa-config` prints it for this registry. */}}
{{- define "policy.opaConfig" -}}
{{- if .Values.guard.opaConfig -}}
{{ .Values.guard.opaConfig }}
{{- else -}}
services:
  registry:
    url: {{ include "policy.registryUrl" . }}
    credentials:
      bearer:
        token_path: /etc/model-policy-sidecar/secrets/engine.token
    tls:
      ca_cert: /etc/model-policy-sidecar/config/registry-ca.crt
keys:
  registry:
    algorithm: {{ include "policy.algorithm" .Values.registry.publicKey }}
    key: {{ toJson .Values.registry.publicKey }}
  policy:
    algorithm: {{ include "policy.algorithm" .Values.registry.policyKey }}
    key: {{ toJson .Values.registry.policyKey }}
bundles:
  {{- range list "policy" "data" "revocations" "revocations-earlier" }}
  {{ . }}:
    service: registry
    resource: v1/bundles/{{ . }}.tar.gz
    persist: true
    signing:
      keyid: {{ eq . "policy" | ternary "policy" "registry" }}
      scope: {{ . }}
    polling:
      min_delay_seconds: 1
      max_delay_seconds: 1
      long_polling_timeout_seconds: 30
  {{- end }}
status:
  prometheus: true
{{- end -}}
{{- end -}}

{{/* injector.yaml: what is put into pods. */}}
{{- define "policy.injectorConfig" -}}
sidecar_image: {{ include "policy.image" . | quote }}
opa_image: {{ include "policy.imageOf" .Values.guard.opaImage | quote }}
image_pull_policy: {{ .Values.image.pullPolicy }}
engine: {{ .Values.guard.engine }}
admin_port: {{ .Values.guard.adminPort }}
run_as_user: {{ .Values.guard.runAsUser | int64 }}
secret: {{ .Values.guard.secret }}
settings: {{- include "policy.settings" . | nindent 2 }}
{{- if include "policy.hasBundles" . }}
opa_config: |
  {{- include "policy.opaConfig" . | nindent 2 }}
{{- end }}
resources:
  sidecar: {{ toJson .Values.guard.resources }}
  opa: {{ toJson .Values.guard.opaResources }}
audit_volume:
  size: {{ .Values.guard.audit.size }}
  storage_class: {{ .Values.guard.audit.storageClass | default nil | toJson }}
drain_s: {{ .Values.guard.drainSeconds }}
keep_alive_time_s: {{ .Values.guard.keepAliveSeconds }}
upstream_timeout_s: {{ .Values.guard.upstreamTimeoutSeconds }}
upstream_timeout_limit_s: {{ .Values.guard.upstreamTimeoutLimitSeconds }}
allow_shadow: {{ .Values.guard.allowShadow }}
allow_metadata: {{ .Values.guard.allowMetadata }}
{{- end -}}
