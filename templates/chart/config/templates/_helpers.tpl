{{/* The name of all objects: the release's name, as a valid name of a Service (RFC 1035: it begins with a letter). */}}
{{- define "service.name" -}}
{{- regexReplaceAll "^([0-9])" (.Release.Name | replace "." "-") "svc-${1}" -}}
{{- end -}}

{{/* The image of the service; if there is a digest, the tag is not used. */}}
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

{{/* A text as the value of a label: at most 63 characters of A-Z a-z 0-9 - _ . with a letter or a digit at both ends. */}}
{{- define "service.label" -}}
{{- $text := regexReplaceAll "[^A-Za-z0-9_.-]" . "_" | trunc 63 -}}
{{- regexReplaceAll "^[^A-Za-z0-9]+|[^A-Za-z0-9]+$" $text "" | quote -}}
{{- end -}}

{{/* The labels that select the pods. Selectors are immutable, so nothing here may change in a later version. */}}
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
