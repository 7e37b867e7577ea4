{{/* What everything is called: the release's name, as a Service may be called (RFC 1035: it begins with a letter). */}}
{{- define "service.name" -}}
{{- regexReplaceAll "^([0-9])" (.Release.Name | replace "." "-") "svc-${1}" -}}
{{- end -}}

{{/* The service's image; a digest wins over the tag. */}}
{{- define "service.image" -}}
{{- with .Values.image -}}
{{- with .registry }}{{ . }}/{{ end -}}
{{ .repository }}{{ with .digest }}@{{ . }}{{ else }}:{{ .tag }}{{ end }}
{{- end -}}
{{- end -}}

{{- define "service.account" -}}
{{- with .Values.serviceAccount -}}
{{ .name | default (ternary (include "service.name" $) "default" .create) }}
{{- end -}}
{{- end -}}

{{/* A text as the value of a label: at most 63 of A-Z a-z 0-9 - _ . with a letter or a digit at both ends. */}}
{{- define "service.label" -}}
{{- $text := regexReplaceAll "[^A-Za-z0-9_.-]" . "_" | trunc 63 -}}
{{- regexReplaceAll "^[^A-Za-z0-9]+|[^A-Za-z0-9]+$" $text "" | quote -}}
{{- end -}}

{{/* What the pods are found by. Selectors are immutable: nothing that a later version changes may stand here. */}}
{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "service.labels" -}}
{{ include "service.selector" . }}
app.kubernetes.io/version: {{ include "service.label" .Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ include "service.label" (printf "%s-%s" .Chart.Name .Chart.Version) }}
{{- end -}}
