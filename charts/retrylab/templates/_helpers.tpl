{{/* The prefix of every object's name. */}}
{{- define "retrylab.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains "retrylab" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-retrylab" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name of the operator's objects. */}}
{{- define "retrylab.operator" -}}
{{- include "retrylab.fullname" . }}-operator
{{- end -}}

{{/* The prefix of what belongs to no namespace: another release of this name, in another namespace, has its own. */}}
{{- define "retrylab.clusterWide" -}}
{{- .Release.Namespace }}:{{ include "retrylab.fullname" . }}
{{- end -}}

{{/* What the operator's pod is selected by: never to change, since selectors are immutable. */}}
{{- define "retrylab.selector" -}}
app.kubernetes.io/name: retrylab-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The chart's own labels. */}}
{{- define "retrylab.ownLabels" -}}
{{ include "retrylab.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: retrylab
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* The labels of every object of the chart. */}}
{{- define "retrylab.labels" -}}
{{- include "retrylab.labelsWith" (list . dict) -}}
{{- end -}}

{{/* The same and more: (list $ .Values.podLabels). The chart's own are never overruled. */}}
{{- define "retrylab.labelsWith" -}}
{{- $root := index . 0 -}}
{{- $more := list (index . 1 | default dict) ($root.Values.commonLabels | default dict) -}}
{{- merge dict (include "retrylab.ownLabels" $root | fromYaml) (first $more) (last $more) | toYaml -}}
{{- end -}}

{{/* The labels of what `helm test` makes: it must not be taken for the operator. */}}
{{- define "retrylab.testLabels" -}}
{{- include "retrylab.labels" . | fromYaml | merge (dict "app.kubernetes.io/name" "retrylab-test") | toYaml -}}
{{- end -}}

{{/* The reference of an image: (list $ .Values.image.client). */}}
{{- define "retrylab.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $name := list $root.Values.image.registry $image.repository | compact | join "/" -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name ($image.tag | default $root.Values.image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* The operator's ServiceAccount. */}}
{{- define "retrylab.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "retrylab.operator" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* Where `helm test` runs its experiment: in the operator's namespace if that is watched, else in the first that is. */}}
{{- define "retrylab.testNamespace" -}}
{{- $watched := .Values.watchNamespaces -}}
{{- if or (not $watched) (has .Release.Namespace $watched) -}}
{{- .Release.Namespace -}}
{{- else -}}
{{- first $watched -}}
{{- end -}}
{{- end -}}

{{/* What Pod Security `restricted` asks of a pod. The images' own user. */}}
{{- define "retrylab.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* What it asks of a container. */}}
{{- define "retrylab.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* What the operator is told of the pods that it makes; what is not set is left to it. */}}
{{- define "retrylab.workloads" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.workloads }}
{{- range $key := list "labels" "annotations" "resources" "priorityClassName" "nodeSelector" "tolerations" }}
{{- with index $.Values.workloads $key }}
{{ $key }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A length of time, such as 1m30s, in milliseconds. */}}
{{- define "retrylab.milliseconds" -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+(ms|s|m|h)" . -1 -}}
{{- $unit := get (dict "ms" "1" "s" "1000" "m" "60000" "h" "3600000") (regexFind "[a-z]+" .) | atoi -}}
{{- $sum = regexFind "[0-9]+" . | atoi | mul $unit | add $sum -}}
{{- end -}}
{{- $sum -}}
{{- end -}}

{{/* Tenths of a second as a length of time: they are the grain of an experiment's times. */}}
{{- define "retrylab.tenths" -}}
{{- if mod . 10 -}}{{ mul . 100 }}ms{{- else -}}{{ div . 10 }}s{{- end -}}
{{- end -}}

{{/* The longest that an arm may take. What the operator would refuse is refused here, in its words. */}}
{{- define "retrylab.durationMax" -}}
{{- $ms := include "retrylab.milliseconds" .Values.caps.duration | atoi -}}
{{- if or (lt $ms 1000) (gt $ms 3600000) -}}
{{- fail (printf "caps.duration: %s is not allowed; allowed are 1s to 1h" .Values.caps.duration) -}}
{{- end -}}
{{- .Values.caps.duration -}}
{{- end -}}

{{/* So many seconds, or the longest that is allowed, in tenths of a second: (list $ 20). */}}
{{- define "retrylab.atMost" -}}
{{- $longest := index . 0 | include "retrylab.durationMax" | include "retrylab.milliseconds" | atoi -}}
{{- min (div $longest 100) (mul 10 (index . 1)) -}}
{{- end -}}
