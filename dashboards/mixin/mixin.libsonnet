// Alerts and dashboards for the killsnoop exporter, as other monitoring mixins have them: `prometheusAlerts`,
// `grafanaDashboards` and `_config`. dashboards/render makes files of them.
(import 'config.libsonnet') +
(import 'alerts/deaths.libsonnet') +
(import 'alerts/calls.libsonnet') +
(import 'alerts/containers.libsonnet') +
(import 'alerts/exporter.libsonnet') +
(import 'dashboards/fleet.libsonnet') +
(import 'dashboards/host.libsonnet') +
(import 'dashboards/containers.libsonnet') +
(import 'dashboards/exporter.libsonnet')
