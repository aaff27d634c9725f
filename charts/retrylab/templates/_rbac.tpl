{{/*
What the operator may do, and no more: read experiments and write their status; make, look at and remove the workloads of
experiments; say what happened. A test in the cluster compares it with what the operator does.
*/}}
{{- define "retrylab.rules" -}}
- apiGroups: [retrylab.dev]
  resources: [retryexperiments]
  verbs: [get, list, watch]
- apiGroups: [retrylab.dev]
  resources: [retryexperiments/status]
  verbs: [update]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, create, patch, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, delete]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}

{{/* Who may. */}}
{{- define "retrylab.subjects" -}}
- kind: ServiceAccount
  name: {{ include "retrylab.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
