{{/* Namespaces whose label is one of these, but for the release's own and those left out. Takes a dict: root, in. */}}
{{- define "policy.namespaceSelector" -}}
matchExpressions:
  - {key: model-policy-sidecar.io/guard, operator: In, values: {{ toJson .in }}}
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{ append .root.Values.injector.excludedNamespaces .root.Release.Namespace | uniq | toJson }}
{{- end -}}

{{/* The two webhooks of a configuration. Takes a dict: root, path, and reinvocationPolicy if there is such a thing. */}}
{{- define "policy.webhooks" -}}
{{- range $in := list "all" "labelled" }}
- name: {{ $in }}.model-policy-sidecar.io
  admissionReviewVersions: [v1]
  clientConfig:
    service:
      name: {{ include "policy.fullname" $.root }}-injector
      namespace: {{ $.root.Release.Namespace }}
      path: {{ $.path }}
      port: 443
    {{- if eq $.root.Values.certificates.mode "supplied" }}
    caBundle: {{ $.root.Values.certificates.supplied.caBundle | b64enc }}
    {{- end }}
  rules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods], scope: Namespaced}
  namespaceSelector: {{- include "policy.namespaceSelector" (dict "root" $.root "in" (list $in)) | nindent 4 }}
  {{- if eq $in "labelled" }}
  objectSelector:
    matchLabels: {model-policy-sidecar.io/guard: enabled}
  {{- end }}
  matchConditions:
    # Who may exempt a pod is for the policy `exemptions` to judge.
    - name: not-exempt
      expression: "!has(object.metadata.annotations) || !('model-policy-sidecar.io/exempt' in object.metadata.annotations)"
  {{- with $.reinvocationPolicy }}
  reinvocationPolicy: {{ . }}
  {{- end }}
  failurePolicy: Fail
  matchPolicy: Equivalent
  sideEffects: None
  timeoutSeconds: {{ $.root.Values.injector.timeoutSeconds }}
{{- end }}
{{- end -}}

{{/* Lets cert-manager put its authority into an object with webhooks. */}}
{{- define "policy.webhookAnnotations" -}}
{{- if eq .Values.certificates.mode "cert-manager" }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "policy.fullname" . }}-injector
{{- end }}
{{- end -}}
