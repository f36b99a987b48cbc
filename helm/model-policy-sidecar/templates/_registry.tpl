{{/* Flags of `sidecar registry serve` out of `registry.settings`; one that is true stands alone, one that is false nowhere. */}}
{{- define "policy.registryFlags" -}}
{{- range $key, $value := .Values.registry.settings }}
{{- $flag := printf "--%s" ($key | replace "_" "-") }}
{{- if kindIs "bool" $value }}
{{- if $value }}
- {{ $flag }}
{{- end }}
{{- else }}
- {{ printf "%s=%v" $flag (kindIs "float64" $value | ternary ($value | int64) $value) | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What names the database: a file, or the URL in a Secret. Takes a dict: root, secret. */}}
{{- define "policy.database" -}}
- name: SIDECAR_REGISTRY_DATABASE
  {{- if .secret }}
  valueFrom: {secretKeyRef: {name: {{ .secret }}, key: url}}
  {{- else }}
  value: sqlite:////var/lib/model-policy-sidecar/registry.db
  {{- end }}
{{- end -}}

{{/* The registry's pods, be it a StatefulSet's or a Deployment's. */}}
{{- define "policy.registryPod" -}}
{{- $this := dict "root" . "component" "registry" -}}
{{- $database := .Values.registry.database -}}
metadata:
  labels: {{- include "policy.labels" $this | nindent 4 }}
spec:
  automountServiceAccountToken: false
  securityContext: {{- include "policy.podSecurity" . | nindent 4 }}
  {{- include "policy.scheduling" (dict "root" . "values" .Values.registry) | nindent 2 }}
  {{- include "policy.apart" $this | nindent 2 }}
  {{- if or $database.ownerSecret (not $database.secret) }}
  initContainers:
    - name: migrate
      image: {{ include "policy.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [registry, migrate]
      env: {{- include "policy.database" (dict "secret" $database.ownerSecret) | nindent 8 }}
      resources: {{- toYaml .Values.registry.resources | nindent 8 }}
      securityContext: {{- include "policy.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - {name: data, mountPath: /var/lib/model-policy-sidecar}
        - {name: tmp, mountPath: /tmp}
  {{- end }}
  containers:
    - name: registry
      image: {{ include "policy.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - registry
        - serve
        - --listen=0.0.0.0:8095
        - --tls-cert=/etc/model-policy-sidecar-tls/tls.crt
        - --tls-key=/etc/model-policy-sidecar-tls/tls.key
        - --tokens=/etc/model-policy-sidecar/tokens.yaml
        - --signing-key=/etc/model-policy-sidecar/signing.pem
        - --policy-key=/etc/model-policy-sidecar/policy.pub
        - --subject-key=/etc/model-policy-sidecar/subject.key
        {{- include "policy.registryFlags" . | nindent 8 }}
      env: {{- include "policy.database" (dict "secret" $database.secret) | nindent 8 }}
      ports:
        - {name: https, containerPort: 8095}
      startupProbe:
        httpGet: {path: /health/live, port: https, scheme: HTTPS}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /health/live, port: https, scheme: HTTPS}
        timeoutSeconds: 5
      readinessProbe:
        httpGet: {path: /health/ready, port: https, scheme: HTTPS}
        periodSeconds: 2
        timeoutSeconds: 5
      resources: {{- toYaml .Values.registry.resources | nindent 8 }}
      securityContext: {{- include "policy.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - {name: data, mountPath: /var/lib/model-policy-sidecar}
        - {name: keys, mountPath: /etc/model-policy-sidecar, readOnly: true}
        - {name: tls, mountPath: /etc/model-policy-sidecar-tls, readOnly: true}
        - {name: tmp, mountPath: /tmp}
  volumes:
    - name: keys
      secret: {secretName: {{ include "policy.registrySecret" . }}}
    - name: tls
      secret:
        secretName: {{ include "policy.tlsSecret" $this }}
        # Named, so that the pod waits until whoever makes the certificate has made it.
        items: [{key: tls.crt, path: tls.crt}, {key: tls.key, path: tls.key}]
    - name: tmp
      emptyDir: {sizeLimit: 1Gi}
    {{- if $database.secret }}
    - name: data
      emptyDir: {sizeLimit: 16Mi}
    {{- end }}
{{- end -}}
