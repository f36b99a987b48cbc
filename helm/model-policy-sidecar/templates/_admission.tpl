{{/* What all our ValidatingAdmissionPolicies say of themselves. Takes a dict: root, policy (its name). */}}
{{- define "policy.admissionHead" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ include "policy.fullname" .root }}-{{ .policy }}
  labels: {{- include "policy.labels" (dict "root" .root "component" "admission") | nindent 4 }}
{{- end -}}

{{/* CEL: whether the caller may use one of our virtual resources here. Takes a dict: resource;
     if wanted name and namespace (both CEL). */}}
{{- define "policy.may" -}}
authorizer.group('model-policy-sidecar.io').resource('{{ .resource }}').namespace({{ default "request.namespace" .namespace }})
{{- with .name }}.name({{ . }}){{ end }}.check('use').allowed()
{{- end -}}

{{/* CEL variables over the pod under admission. */}}
{{- define "policy.podVariables" -}}
- name: labels
  expression: object.metadata.?labels.orValue({})
- name: annotations
  expression: object.metadata.?annotations.orValue({})
- name: inits
  expression: object.spec.?initContainers.orValue([])
- name: containers
  expression: object.spec.containers + variables.inits
{{- end -}}

{{/* CEL: whether all of our keys of the map a are in the map b, unchanged. Takes a dict: a, b. */}}
{{- define "policy.oursIn" -}}
{{ .a }}.all(k, !k.startsWith('model-policy-sidecar.io/') || {{ .b }}[?k].orValue('') == {{ .a }}[k])
{{- end -}}

{{/* The arguments that every guarded pod's sidecar has, by the operator's word (JSON: an object with the list `args`). */}}
{{- define "policy.sidecarArguments" -}}
{{- $guard := .Values.guard -}}
{{- $args := list
      (printf "--admin=0.0.0.0:%v" $guard.adminPort)
      (printf "--engine=%s" $guard.engine)
      "--audit-dir=/var/lib/model-policy-sidecar/audit"
      "--subject-key=/etc/model-policy-sidecar/secrets/subject.key"
      "--self-check-host=$(POD_IP)"
      (printf "--keep-alive-time=%v" $guard.keepAliveSeconds) -}}
{{- if include "policy.runsOpa" . }}
{{- $args = append $args "--opa=unix:///run/policy/opa.sock" }}
{{- end }}
{{- if eq $guard.engine "embedded" }}
{{- $args = append $args (include "policy.hasBundles" . | not | ternary "--data=/etc/model-policy-sidecar/secrets/data.json" "--bundles=/etc/model-policy-sidecar/config/opa.yaml") }}
{{- end }}
{{- range $name, $value := include "policy.settings" . | fromYaml }}
{{- if not (has $name (list "mode" "metadata")) }}
{{- $text := kindIs "slice" $value | ternary (join "," $value) (include "policy.word" $value) }}
{{- $args = append $args (printf "--%s=%s" ($name | replace "_" "-") ($text | replace "$" "$$")) }}
{{- end }}
{{- end }}
{{- dict "args" $args | toJson -}}
{{- end -}}

{{/* The form of the other arguments, which follow from the pod: a regular expression. */}}
{{- define "policy.podArguments" -}}
{{- $guard := .Values.guard -}}
{{- $forms := list "upstream=http://127\\.0\\.0\\.1:\\d+" "server=[a-z]+" "listen=\\[\\$\\(POD_IP\\)\\]:\\d+" "probes=.*"
      "self-check=(strict|warn)" "self-check-ports=[\\d,]*" "upstream-timeout-s=\\d+" "default-model=.*"
      "mode=enforce" "metadata=deny" -}}
{{- if or $guard.allowShadow (eq (get $guard.settings "mode") "shadow") }}{{ $forms = append $forms "mode=shadow" }}{{ end -}}
{{- if or $guard.allowMetadata (eq (get $guard.settings "metadata") "allow") }}{{ $forms = append $forms "metadata=allow" }}{{ end -}}
{{- if not (hasKey $guard.settings "audit_keep_bytes") }}{{ $forms = append $forms "audit-keep-bytes=\\d+" }}{{ end -}}
^--({{ join "|" $forms }})$
{{- end -}}

{{/* A value as one word: 67108864, not 6.7108864e+07. */}}
{{- define "policy.word" -}}
{{- if kindIs "float64" . }}{{ eq (floor .) . | ternary (int64 .) . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}
