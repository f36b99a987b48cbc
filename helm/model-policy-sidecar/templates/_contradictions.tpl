{{/* What contradicts itself in the values, and what to do: a line each. */}}
{{- define "policy.contradictions" -}}
{{- include "policy.contradictions.engine" . }}
{{- include "policy.contradictions.guard" . }}
{{- include "policy.contradictions.registry" . }}
{{- include "policy.contradictions.certificates" . }}
{{- include "policy.contradictions.others" . }}
{{- end -}}

{{- define "policy.contradictions.engine" -}}
{{- $opa := eq .Values.guard.engine "opa" -}}
{{- if and $opa (not .Values.registry.enabled) (not .Values.guard.opaConfig) }}
- guard.engine is opa, and nothing tells OPA where its bundles are: set registry.enabled=true, or guard.opaConfig
{{- end }}
{{- if and .Values.registry.enabled .Values.guard.opaConfig }}
- guard.opaConfig goes past the registry that registry.enabled asks for: leave one of them out
{{- end }}
{{- if gt (include "policy.crossCheckShare" . | float64) 0.0 }}
{{- if $opa }}
- guard.settings.cross_check_share holds the embedded engine against OPA: set guard.engine=embedded, or leave it out
{{- else if not (include "policy.hasBundles" .) }}
- guard.settings.cross_check_share needs bundles, for both engines the same: set registry.enabled=true, or guard.opaConfig
{{- end }}
{{- end }}
{{- end -}}

{{- define "policy.contradictions.guard" -}}
{{- $settings := .Values.guard.settings -}}
{{- if ne (get $settings "consent" | toString) "off" }}
{{- range list "consent_keys" "consent_issuer" "consent_audience" }}
{{- if not (hasKey $settings .) }}
- guard.settings.{{ . }} is missing, without which no consent token can be verified: set it, or guard.settings.consent=off (quoted) if no model's rules need consent
{{- end }}
{{- end }}
{{- end }}
{{- if and (not .Values.guard.audit.archive) (not .Values.guard.audit.acceptLoss) }}
- without an archive the audit log ends with its pod: set guard.audit.archive=URL, or, for a trial, guard.audit.acceptLoss=true
{{- end }}
{{- if and .Values.guard.audit.archive .Values.guard.audit.acceptLoss }}
- guard.audit.acceptLoss is for guards without guard.audit.archive: leave one of them out
{{- end }}
{{- if gt (int .Values.guard.upstreamTimeoutSeconds) (int .Values.guard.upstreamTimeoutLimitSeconds) }}
- guard.upstreamTimeoutSeconds is more than guard.upstreamTimeoutLimitSeconds: raise the limit
{{- end }}
{{- end -}}

{{- define "policy.contradictions.registry" -}}
{{- $registry := .Values.registry -}}
{{- if $registry.enabled }}
{{- range list "publicKey" "policyKey" }}
{{- if not (contains "-----BEGIN PUBLIC KEY-----" (get $registry .)) }}
- registry.{{ . }} is no public key (PEM), so no engine could verify anything: `sidecar injector init` makes the keys and a values.yaml with it
{{- end }}
{{- end }}
{{- end }}
{{- if and (gt (int $registry.replicas) 1) (not $registry.database.secret) }}
- registry.replicas is {{ $registry.replicas }}, and SQLite serves one: set registry.replicas=1, or registry.database.secret for PostgreSQL
{{- end }}
{{- if and $registry.database.ownerSecret (not $registry.database.secret) }}
- registry.database.ownerSecret is for PostgreSQL: set registry.database.secret too
{{- end }}
{{- end -}}

{{- define "policy.contradictions.certificates" -}}
{{- $certificates := .Values.certificates -}}
{{- $supplied := $certificates.supplied -}}
{{- if eq $certificates.mode "supplied" }}
{{- if not $supplied.injectorSecret }}
- certificates.mode is supplied: set certificates.supplied.injectorSecret
{{- end }}
{{- if and .Values.registry.enabled (not $supplied.registrySecret) }}
- certificates.mode is supplied: set certificates.supplied.registrySecret
{{- end }}
{{- if not (contains "-----BEGIN CERTIFICATE-----" $supplied.caBundle) }}
- certificates.mode is supplied: set certificates.supplied.caBundle to the authority's certificate (PEM), else the API server trusts nobody
{{- end }}
{{- else if or $supplied.injectorSecret $supplied.registrySecret $supplied.caBundle }}
- certificates.supplied is given, and certificates.mode is {{ $certificates.mode }}: set certificates.mode=supplied, or leave it out
{{- end }}
{{- if and $certificates.certManager.issuerRef.name (ne $certificates.mode "cert-manager") }}
- certificates.certManager.issuerRef is given, and certificates.mode is {{ $certificates.mode }}: set certificates.mode=cert-manager, or leave it out
{{- end }}
{{- end -}}

{{- define "policy.contradictions.others" -}}
{{- if and .Values.networkPolicies.guardedPods (not .Values.namespaces) }}
- networkPolicies.guardedPods protects the pods of no namespace: list the guarded ones with their ports in namespaces, or set networkPolicies.guardedPods=false
{{- end }}
{{- range .Values.namespaces }}
{{- if or (eq .name $.Release.Namespace) (has .name $.Values.injector.excludedNamespaces) }}
- namespaces has {{ .name }}, whose pods are never guarded: give models a namespace of their own
{{- end }}
{{- end }}
{{- if and .Values.audit.nightly.enabled (not .Values.audit.nightly.args) }}
- audit.nightly.enabled has nothing to do: set audit.nightly.args, such as [audit, verify, /archive]
{{- end }}
{{- end -}}
