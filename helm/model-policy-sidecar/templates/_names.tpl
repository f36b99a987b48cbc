{{/* The name that all objects begin with; 52 characters at most, for what is added. */}}
{{- define "policy.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* Labels that never change, which selectors use. Takes a dict: root, component. */}}
{{- define "policy.selectorLabels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* All labels of an object. Takes a dict: root, component. */}}
{{- define "policy.labels" -}}
{{ include "policy.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Image of a dict: repository, tag, digest. A digest goes over the tag. */}}
{{- define "policy.imageOf" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end -}}
{{- end -}}

{{/* Image of sidecar, injector and registry. */}}
{{- define "policy.image" -}}
{{- include "policy.imageOf" (dict "repository" .Values.image.repository "digest" .Values.image.digest
      "tag" (default .Chart.AppVersion .Values.image.tag)) -}}
{{- end -}}

{{/* Secret with the registry's keys and tokens. */}}
{{- define "policy.registrySecret" -}}
{{- default (printf "%s-registry" (include "policy.fullname" .)) .Values.registry.secret -}}
{{- end -}}

{{/* Secret with a server's certificate. Takes a dict: root, component (injector or registry). */}}
{{- define "policy.tlsSecret" -}}
{{- if eq .root.Values.certificates.mode "supplied" -}}
{{- get .root.Values.certificates.supplied (printf "%sSecret" .component) -}}
{{- else -}}
{{- printf "%s-%s-tls" (include "policy.fullname" .root) .component -}}
{{- end -}}
{{- end -}}

{{/* The registry, as OPA reaches it. */}}
{{- define "policy.registryUrl" -}}
https://{{ include "policy.fullname" . }}-registry.{{ .Release.Namespace }}.svc:8095
{{- end -}}

{{/* Labels of a monitor or of rules, with those that a Prometheus selects by. Takes a dict: root, component. */}}
{{- define "policy.monitoringLabels" -}}
{{ include "policy.labels" . }}
{{- with .root.Values.monitoring.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
