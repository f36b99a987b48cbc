{{/* CEL: the images of the guard's containers. Takes the pod's variable. */}}
{{- define "policy.guardImages" -}}
{{ . }}.spec.?initContainers.orValue([])
{{- ""}}.filter(c, c.name in ['policy-opa', 'policy-sidecar', 'policy-torchserve-config']).map(c, c.image)
{{- end -}}

{{/* CEL variables over the guard's own containers, of which `inits` holds each once or not. */}}
{{- define "policy.guardVariables" -}}
- name: sidecar
  expression: variables.inits.filter(c, c.name == 'policy-sidecar')
- name: opa
  expression: variables.inits.filter(c, c.name == 'policy-opa')
- name: guards
  expression: variables.sidecar + variables.opa
- name: others
  expression: variables.containers.filter(c, !(c.name in ['policy-sidecar', 'policy-opa']))
- name: volumes
  expression: object.spec.?volumes.orValue([])
- name: fixedArguments
  expression: {{ get (include "policy.sidecarArguments" . | fromJson) "args" | toJson | quote }}
{{- end -}}

{{/* What a guarded pod must be: expressions (CEL) and what to say where one is false (YAML list). */}}
{{- define "policy.guardChecks" -}}
- message: the guard's containers must be native sidecars with the operator's images
  expression: >-
    variables.guards.all(c, c.?restartPolicy.orValue('') == 'Always' && c.image == (c.name == 'policy-opa'
    ? {{ include "policy.imageOf" .Values.guard.opaImage | squote }} : {{ include "policy.image" . | squote }}))
- message: the guard's containers run nothing else; leave out command, workingDir, hooks, and probes by exec
  expression: >-
    variables.guards.all(c, !has(c.command) && !has(c.workingDir) && !has(c.lifecycle)
    && [c.?startupProbe, c.?readinessProbe, c.?livenessProbe].all(p, !p.?exec.hasValue()))
- message: the guard's containers have no environment but the pod's address
  expression: >-
    variables.guards.all(c, !has(c.envFrom) && c.?env.orValue([]).all(e,
    e.name == 'POD_IP' && e.?valueFrom.?fieldRef.?fieldPath.orValue('') == 'status.podIP'))
- message: the sidecar's arguments are not those that the operator configured
  expression: >-
    variables.sidecar.all(c, c.?args.orValue([]).size() > 0 && c.args[0] == 'run'
    && variables.fixedArguments.all(a, a in c.args)
    && c.args.all(a, a == 'run' || a in variables.fixedArguments || a.matches({{ include "policy.podArguments" . | toJson }})))
{{- if include "policy.runsOpa" . }}
- message: OPA's arguments are not those that the operator configured
  expression: "variables.opa.all(c, c.?args.orValue([]) == {{ include "policy.opaArguments" . | replace "\n" "" }})"
{{- end }}
{{- if include "policy.hasBundles" . }}
- message: OPA's configuration is not the operator's
  expression: >-
    variables.annotations[?'model-policy-sidecar.io/opa-config'].orValue('') == {{ include "policy.opaConfigText" . }}
{{- end }}
- message: the guard's volumes are not what they must be
  expression: >-
    variables.volumes.filter(v, v.name.startsWith('policy-')).all(v,
    v.name in ['policy-socket', 'policy-bundles', 'policy-tmp', 'policy-torchserve'] ? has(v.emptyDir)
    : v.name == 'policy-audit' ? has(v.emptyDir) || has(v.ephemeral)
    : v.name == 'policy-config' ? has(v.downwardAPI) && v.downwardAPI.?items.orValue([]).all(i,
      i.?fieldRef.?fieldPath.orValue('') ==
      'metadata.annotations[\'model-policy-sidecar.io/' + (i.path == 'opa.yaml' ? 'opa-config' : 'registry-ca') + '\']')
    : v.name == 'policy-secrets' ? v.?secret.?secretName.orValue('') == '{{ .Values.guard.secret }}' && !has(v.secret.items)
    : true)
- message: the guard's containers mount what is not theirs
  expression: >-
    variables.guards.all(c, !has(c.volumeDevices) && c.?volumeMounts.orValue([]).all(m,
    (m.name + ':' + m.mountPath) in {{ include "policy.mounts" . | replace "\n" "" }}
    || m.mountPath == '/var/run/secrets/kubernetes.io/serviceaccount'))
- message: "another container mounts a volume of the guard's: name volumes otherwise than policy-…"
  expression: >-
    variables.others.all(c, c.?volumeMounts.orValue([]).all(m, !(m.name in
    ['policy-socket', 'policy-audit', 'policy-bundles', 'policy-config', 'policy-secrets', 'policy-tmp'])
    || c.name == 'policy-torchserve-config' && m.name == 'policy-tmp' && m.?readOnly.orValue(false)
    && m.mountPath == '/var/run/secrets/kubernetes.io/serviceaccount'))
- message: a guarded pod has network and processes of its own; leave out hostNetwork, hostPID, hostIPC, shareProcessNamespace
  expression: >-
    !object.spec.?hostNetwork.orValue(false) && !object.spec.?hostPID.orValue(false) && !object.spec.?hostIPC.orValue(false)
    && !object.spec.?shareProcessNamespace.orValue(false)
- message: no container of a guarded pod is privileged, or adds capabilities beyond what Pod Security's baseline allows
  expression: >-
    variables.containers.all(c, !c.?securityContext.?privileged.orValue(false)
    && c.?securityContext.?capabilities.?add.orValue([]).all(a, a in
    ['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID',
    'SETPCAP', 'SETUID', 'SYS_CHROOT']))
{{- end -}}

{{/* OPA's configuration as a string of CEL, as the injector reads it. */}}
{{- define "policy.opaConfigText" -}}
{{- get (include "policy.injectorConfig" . | fromYaml) "opa_config" | toJson -}}
{{- end -}}

{{/* OPA's arguments (a list of CEL). */}}
{{- define "policy.opaArguments" -}}
['run', '--server', '--addr=unix:///run/policy/opa.sock', '--diagnostic-addr=0.0.0.0:8282',
 '--config-file=/etc/model-policy-sidecar/config/opa.yaml', '--set=persistence_directory=/var/lib/opa',
 '--disable-telemetry', '--log-level=error']
{{- end -}}

{{/* What the guard's containers mount (a list of CEL). */}}
{{- define "policy.mounts" -}}
['policy-socket:/run/policy', 'policy-audit:/var/lib/model-policy-sidecar', 'policy-bundles:/var/lib/opa',
 'policy-config:/etc/model-policy-sidecar/config', 'policy-secrets:/etc/model-policy-sidecar/secrets', 'policy-tmp:/tmp']
{{- end -}}
