{{/* Names and labels, as Helm's own starter has them. */}}

{{- define "killsnoop-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "killsnoop-exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "killsnoop-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "killsnoop-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "killsnoop-exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "killsnoop-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: exporter
app.kubernetes.io/part-of: killsnoop
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "killsnoop-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "killsnoop-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "killsnoop-exporter.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end }}
{{- end }}

{{/* The container's rights; the capability for executables comes on top of what is written. */}}
{{- define "killsnoop-exporter.containerSecurityContext" -}}
{{- $context := deepCopy .Values.containerSecurityContext }}
{{- if .Values.executables }}
{{- $capabilities := default dict $context.capabilities }}
{{- $_ := set $capabilities "add" (append (default list $capabilities.add) "SYS_PTRACE" | uniq) }}
{{- $_ := set $context "capabilities" $capabilities }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{/* The resource of OTLP log records: the node, since the host's name in a container is the pod's. Nothing of the pod, as
log stores put resource and record side by side, and there pods are those of senders. */}}
{{- define "killsnoop-exporter.resourceAttributes" -}}
{{- $all := list "k8s.node.name=$(NODE_NAME)" "host.name=$(NODE_NAME)" }}
{{- /* Prometheus makes it the label instance, which otherwise would be another one after each restart. */}}
{{- if .Values.otlp.metrics }}
{{- $all = append $all "service.instance.id=$(NODE_NAME)" }}
{{- end }}
{{- range $name, $value := .Values.otlp.resourceAttributes }}
{{- $all = append $all (printf "%s=%s" $name (urlquery $value | replace "+" "%20")) }}
{{- end }}
{{- join "," $all }}
{{- end }}

{{/* What PodMonitor and ServiceMonitor have in common: an endpoint, and the names that alerts and dashboards know. */}}
{{- define "killsnoop-exporter.endpoint" -}}
port: metrics
{{- with .interval }}
interval: {{ . }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- /* Deaths by container name the namespace, pod and container that died; without this they would be renamed. */}}
honorLabels: true
relabelings:
  - targetLabel: job
    replacement: killsnoop
  - sourceLabels: [__meta_kubernetes_pod_node_name]
    targetLabel: instance
{{- with .relabelings }}
{{ toYaml . | indent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
{{ toYaml . | indent 2 }}
{{- end }}
{{- end }}

{{/* The port of the collector: what the URL says, or what its scheme stands for. */}}
{{- define "killsnoop-exporter.otlpPort" -}}
{{- $url := urlParse .Values.otlp.endpoint }}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) }}
{{- default (ternary "443" "80" (eq $url.scheme "https")) $port }}
{{- end }}
