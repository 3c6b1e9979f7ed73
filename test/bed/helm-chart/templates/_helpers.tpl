{{- define "spiderpool.labels" -}}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{ include "spiderpool.selectorLabels" . }}
{{- end }}

{{- define "spiderpool.selectorLabels" -}}
app.kubernetes.io/name: spiderpool
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "spiderpool.image" -}}
{{ .root.Values.global.imageRegistryOverride | default "ghcr.io" }}/spidernet-io/spiderpool/{{ .component }}:v{{ .root.Chart.AppVersion }}
{{- end }}
