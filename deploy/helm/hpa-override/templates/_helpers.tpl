{{- define "hpa-override.selectorLabels" -}}
app.kubernetes.io/name: hpa-override
app.kubernetes.io/component: controller
{{- end }}

{{- define "hpa-override.labels" -}}
{{ include "hpa-override.selectorLabels" . }}
app.kubernetes.io/part-of: hpa-override
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Who answers admission: kubewarden, webhook or none. Once it is the webhook, `auto` leaves it at that. */}}
{{- define "hpa-override.admission" -}}
{{- $guard := "hpa-override-guard" -}}
{{- if ne .Values.admission "auto" -}}
{{ .Values.admission }}
{{- else if lookup "admissionregistration.k8s.io/v1" "MutatingWebhookConfiguration" "" $guard -}}
webhook
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
    namespace: {{ .Release.Namespace | quote }}
{{- end }}

{{/* Where pods run. */}}
{{- define "hpa-override.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "hpa-override.securityContext" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
{{- end }}

{{/* Whether an override in the namespace of the release becomes active: `yes`, or nothing. */}}
{{- define "hpa-override.canTest" -}}
{{- $namespace := .Release.Namespace }}
{{- $settings := .Values.settings }}
{{- $closed := concat (default list $settings.protectedNamespaces) (default list $settings.unguardedNamespaces) }}
{{- if and (or (not .Values.namespaces) (has $namespace .Values.namespaces)) (not (has $namespace $closed)) -}}
yes
{{- end }}
{{- end }}
