{{/* The name of all objects: the release's, with the chart's unless it is in it. */}}
{{- define "charrnn.name" -}}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* What pods are selected by. Given: root, and part (web or worker). */}}
{{- define "charrnn.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "charrnn.labels" -}}
{{ include "charrnn.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "charrnn.secret" -}}
{{- .Values.secrets.existing | default (include "charrnn.name" .) }}
{{- end }}

{{/* The image of a part. Given: root, and values, those of the part. */}}
{{- define "charrnn.image" -}}
{{- $image := .root.Values.image }}
{{- $gpu := .root.Values.gpu }}
{{- $tag := $image.tag | default .root.Chart.AppVersion }}
{{- $digest := $image.digest }}
{{- if eq .values.device "cuda" }}
{{- $tag = $gpu.tag | default (printf "%s-cuda" $tag) }}
{{- $digest = $gpu.digest }}
{{- end }}
{{- if eq $tag "latest" }}
{{- fail "the image's tag is latest: name a version, or nobody knows what runs, and what to go back to" }}
{{- end }}
{{- $image.repository }}:{{ $tag }}{{ with $digest }}@{{ . }}{{ end }}
{{- end }}

{{/* The environment of both parts; a Secret's key that is not there is a setting that is not set. */}}
{{- define "charrnn.environment" -}}
- {name: STORE_URL, value: {{ .root.Values.store.url | quote }}}
{{- with .root.Values.store.endpoint }}
- {name: AWS_ENDPOINT_URL, value: {{ . | quote }}}
{{- end }}
{{- with .root.Values.store.region }}
- {name: AWS_REGION, value: {{ . | quote }}}
{{- end }}
- {name: DEVICE, value: {{ .values.device }}}
- {name: MIRROR_BYTES, value: {{ int64 .values.data.mirrorBytes | toString | quote }}}
{{- range $name, $value := .root.Values.settings }}
- {name: {{ $name }}, value: {{ kindIs "float64" $value | ternary (printf "%v" $value | float64 | toJson) $value | toString | quote }}}
{{- end }}
{{- range list "ADMIN_API_KEYS" "REDIS_URL" }}
- {name: {{ . }}, valueFrom: {secretKeyRef: {name: {{ include "charrnn.secret" $.root }}, key: {{ . }}}}}
{{- end }}
{{- range list "API_KEYS" "CACHE_URL" "CONTINUATION_KEYS" "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "AWS_SESSION_TOKEN" }}
- {name: {{ . }}, valueFrom: {secretKeyRef: {name: {{ include "charrnn.secret" $.root }}, key: {{ . }}, optional: true}}}
{{- end }}
{{- end }}

{{/* A pod of a part, up to its container's own lines. Given: root, part, values. */}}
{{- define "charrnn.pod" -}}
serviceAccountName: {{ include "charrnn.name" .root }}
automountServiceAccountToken: false
enableServiceLinks: false  # they would set variables that look like settings
securityContext:
  runAsNonRoot: true
  {{- with .root.Values.user }}
  runAsUser: {{ int64 . }}
  runAsGroup: {{ int64 . }}
  fsGroup: {{ int64 . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "charrnn.selector" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- $gpu := ternary .root.Values.gpu dict (eq .values.device "cuda") }}
{{- with merge dict .values.nodeSelector ($gpu.nodeSelector | default dict) }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat .values.tolerations ($gpu.tolerations | default list) }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $gpu.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: data
    {{- if .values.data.storageClassName }}
    ephemeral:
      volumeClaimTemplate:
        metadata:
          labels: {{- include "charrnn.labels" . | nindent 12 }}
        spec:
          accessModes: [ReadWriteOncePod]
          storageClassName: {{ .values.data.storageClassName }}
          resources: {requests: {storage: {{ .values.data.size }}}}
    {{- else }}
    emptyDir: {sizeLimit: {{ .values.data.size }}}
    {{- end }}
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  - name: shm
    emptyDir: {medium: Memory, sizeLimit: 64Mi}
{{- end }}

{{/* What the containers of both parts have. */}}
{{- define "charrnn.container" -}}
image: {{ include "charrnn.image" . | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  privileged: false
  capabilities: {drop: [ALL]}
env: {{- include "charrnn.environment" . | nindent 2 }}
resources:
  {{- $gpu := ternary (dict .root.Values.gpu.resource (.root.Values.gpu.count | toString)) dict (eq .values.device "cuda") }}
  requests: {{- merge dict $gpu .values.resources.requests | toYaml | nindent 4 }}
  limits: {{- merge dict $gpu .values.resources.limits | toYaml | nindent 4 }}
volumeMounts:
  - {name: data, mountPath: /data}  # the copy of the store, and kernels that the image lacks
  - {name: tmp, mountPath: /tmp}
  - {name: shm, mountPath: /dev/shm}  # what the web processes share: metrics
{{- end }}

{{- define "charrnn.podMetadata" -}}
labels:
  {{- include "charrnn.labels" . | nindent 2 }}
  {{- with .values.podLabels }}{{ toYaml . | nindent 2 }}{{ end }}
annotations:
  {{- if not .root.Values.secrets.existing }}
  checksum/secrets: {{ .root.Values.secrets.create | toJson | sha256sum }}  # pods restart when they change
  {{- end }}
  kubectl.kubernetes.io/default-container: {{ .part }}
  {{- with .values.podAnnotations }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}
