// Alerts, recording rules and dashboards for the killsnoop exporter, as other monitoring mixins have them:
// `prometheusAlerts`, `prometheusRules`, `grafanaDashboards` and `_config`. dashboards/render makes files of them.
(import 'config.libsonnet') +
(import 'rules.libsonnet') +
(import 'alerts/deaths.libsonnet') +
(import 'alerts/calls.libsonnet') +
(import 'alerts/containers.libsonnet') +
(import 'alerts/exporter.libsonnet') +
(import 'dashboards/fleet.libsonnet') +
(import 'dashboards/host.libsonnet') +
(import 'dashboards/containers.libsonnet') +
(import 'dashboards/exporter.libsonnet')
