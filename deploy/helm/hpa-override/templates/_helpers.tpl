{{- define "hpa-override.selectorLabels" -}}
app.kubernetes.io/name: hpa-override
app.kubernetes.io/component: controller
{{- end }}

{{- define "hpa-override.labels" -}}
{{ include "hpa-override.selectorLabels" . }}
app.kubernetes.io/part-of: hpa-override
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Who answers admission: kubewarden, webhook or none. */}}
{{- define "hpa-override.admission" -}}
{{- if ne .Values.admission "auto" -}}
{{ .Values.admission }}
{{- else if .Capabilities.APIVersions.Has "policies.kubewarden.io/v1" -}}
kubewarden
{{- else -}}
webhook
{{- end -}}
{{- end }}

{{- define "hpa-override.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default (printf "v%s" $.Chart.AppVersion) }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "hpa-override.controllerUser" -}}
system:serviceaccount:{{ .Release.Namespace }}:hpa-override-controller
{{- end }}

{{/* The limits, and the account whose writes are the controller's. */}}
{{- define "hpa-override.settings" -}}
{{ mergeOverwrite (dict) .Values.settings (dict "controllerUser" (include "hpa-override.controllerUser" .)) | toYaml }}
{{- end }}

{{- define "hpa-override.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: hpa-override-controller
    namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "hpa-override.securityContext" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
{{- end }}
