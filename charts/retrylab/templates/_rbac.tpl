{{/*
What the operator may do, and no more: read experiments and write their status; make, look at and remove the workloads of
experiments; keep their timelines; say what happened. A test in the cluster takes each verb away and sees what fails.
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
  verbs: [list]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [services]
  verbs: [get, create, patch, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, delete]
# Timelines of arms: of each experiment one ConfigMap, NAME-report.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, patch]
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
