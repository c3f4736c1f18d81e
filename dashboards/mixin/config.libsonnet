// What an operator may want otherwise: import the mixin and override `_config`.
{
  _config+:: {
    // What selects the exporters in `up`, and everything of theirs. Each chart and operator names jobs in its own way.
    killsnoopSelector: 'job=~".*killsnoop.*"',

    // Labels of a target. Where there is no cluster, that label is empty and does no harm.
    clusterLabel: 'cluster',
    targetLabels: [self.clusterLabel, 'job', 'instance'],

    // Labels of a container. Prometheus renames them to exported_namespace and the like where targets have them too
    // and `honor_labels` is not set.
    namespaceLabel: 'namespace',
    podLabel: 'pod',
    containerLabel: 'container',

    // %s is the alert's name. Put a base URL before it where the pages are served.
    runbookURLPattern: 'dashboards/runbooks/%s.md',

    // Causes of death by SIGKILL that have alerts of their own, or are the usual end of a container or a unit.
    expectedSigkillCauses: 'oom.*|cgroup_kill|pidns_exit',

    // When alerts fire. Amounts are those of one machine (or one container) within the alert's window.
    sigkillSpike: { window: '5m', past: '1h', min: 20, factor: 5, 'for': '0m', severity: 'warning' },
    sigkillDeaths: { window: '5m', max: 10, 'for': '5m', severity: 'warning' },
    oomKill: { window: '5m', max: 0, 'for': '0m', severity: 'warning' },
    machineOutOfMemory: { window: '5m', max: 0, 'for': '0m', severity: 'critical' },
    // What restarts a program waits up to 5 minutes between two tries.
    crashLoop: { window: '30m', lately: '10m', max: 4, 'for': '0m', severity: 'warning' },
    coreDump: { window: '5m', max: 0, 'for': '0m', severity: 'info' },
    // Calls per second.
    failingKills: { window: '5m', max: 1, 'for': '10m', severity: 'warning' },
    containerOomKill: { window: '10m', max: 0, 'for': '0m', severity: 'warning' },
    containerSigkilled: { window: '30m', max: 2, 'for': '0m', severity: 'warning' },
    containerCrashLoop: { window: '30m', max: 4, 'for': '0m', severity: 'warning' },
    eventsLost: { window: '5m', max: 0, 'for': '0m', severity: 'warning' },
    callsUncounted: { window: '5m', max: 0, 'for': '0m', severity: 'warning' },
    hookDetached: { 'for': '2m', severity: 'warning' },
    exporterDown: { 'for': '5m', severity: 'warning' },
    // One machine without its exporter can wait for the morning; a fifth of the fleet is an outage of the watch.
    fleetBlind: { maxPercent: 20, minTargets: 5, 'for': '10m', severity: 'critical' },
    exporterAbsent: { 'for': '10m', severity: 'critical' },

    // What the fleet dashboard reads instead of counters, and how often it is written; see rules.libsonnet.
    recordingInterval: '1m',
    recorded: {
      deaths: 'instance_signal_cause:killsnoop_deaths:increase1m',
      ooms: 'instance_scope:killsnoop_oom_kills:increase1m',
      failedCalls: 'instance_result:killsnoop_kill_calls_failed:rate5m',
      attached: 'instance:killsnoop_program_attached:min',
    },

    dashboards: {
      prefix: 'Killsnoop / ',
      tags: ['killsnoop'],
      refresh: '1m',
      from: 'now-6h',
      timezone: 'browser',
    },

    // The log store that dashboards lead to: `loki`, or `victoriametrics-logs-datasource`. See lib/logs.libsonnet.
    logs: 'loki',
  },
}
