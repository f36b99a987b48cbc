{{/* CEL: what a pod is made of, in any kind that the policy matches. Takes the variable's name. */}}
{{- define "policy.templateOf" -}}
>-
        {{ . }} == null ? null : dyn(request.kind.kind == 'Pod' ? dyn({{ . }})
        : request.kind.kind == 'CronJob' ? dyn({{ . }}).spec.jobTemplate.spec.template
        : request.kind.kind == 'ControllerRevision' ? dyn({{ . }}).?data.?spec.?template.orValue({})
        : dyn({{ . }}).spec.template)
{{- end -}}

{{/* Kubernetes' own controllers that make pods, or owners of pods (a list of CEL). */}}
{{- define "policy.controllers" -}}
['system:kube-controller-manager',
{{- range list "deployment" "replicaset" "statefulset" "daemon-set" "job" "cronjob" }}
 'system:serviceaccount:kube-system:{{ . }}-controller',
{{- end }}
 'system:serviceaccount:kube-system:replication-controller']
{{- end -}}
