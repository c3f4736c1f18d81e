// Alerts on the exporter itself: what it loses, and where it does not watch.
local alerts = import '../lib/alerts.libsonnet';

{
  local config = self._config,
  local lib = alerts(config),
  local increase(metric, matchers, labels, settings) =
    'sum by (%s) (increase(%s[%s])) > %s' % [lib.by(labels), lib.select(metric, matchers), settings.window, settings.max],
  local up = lib.select('up'),
  local attached = lib.select('killsnoop_program_attached'),

  prometheusAlerts+:: lib.group('killsnoop-exporter', [
    lib.rule(
      'KillsnoopEventsLost',
      config.eventsLost,
      increase('killsnoop_events_lost_total', '', ['stage'], config.eventsLost),
      'Events about signals are lost on their way.',
      '%s, %s events were lost at stage {{ $labels.stage }} in the last %s. Counts of calls, signals and deaths are not affected{{ if eq $labels.stage "ring_urgent" }}, but killsnoop-exporter why does not know of all deaths{{ end }}.' % [lib.on, lib.about, config.eventsLost.window],
    ),
    // A run of the program that was skipped or could not count: the one way in which a call goes uncounted.
    lib.rule(
      'KillsnoopCallsUncounted',
      config.callsUncounted,
      '%s\nor\n%s\n' % [
        increase('killsnoop_hook_errors_total', 'reason="counter_missing"', ['reason'], config.callsUncounted),
        increase('killsnoop_program_recursion_misses_total', '', ['program'], config.callsUncounted),
      ],
      'The kernel did not count some calls, so that counts are too low.',
      '%s, %s calls may have gone uncounted in the last %s. What this kernel allows: killsnoop-exporter check, as root on that machine.' % [lib.on, lib.about, config.callsUncounted.window],
    ),
    lib.rule(
      'KillsnoopHookDetached',
      config.hookDetached,
      '%s == 0' % attached,
      'The exporter runs but does not watch signals.',
      '%s, the program {{ $labels.program }} is not attached, so that nothing is counted. What keeps it: killsnoop-exporter check, as root on that machine.' % lib.on,
    ),
    lib.rule(
      'KillsnoopExporterDown',
      config.exporterDown,
      '%s == 0' % up,
      'A killsnoop exporter cannot be scraped.',
      'Signals are not counted on {{ $labels.instance }}, and nobody will know what killed a process there. What keeps it: killsnoop-exporter check, as root on that machine.',
    ),
    lib.rule(
      'KillsnoopFleetBlind',
      config.fleetBlind,
      |||
        (
          100 *
          count by (%(cluster)s) (
            %(up)s == 0
            or
            max by (%(by)s) (%(attached)s == 0)
          )
          / count by (%(cluster)s) (%(up)s)
        ) > %(maxPercent)s
        and
        count by (%(cluster)s) (%(up)s) >= %(minTargets)s
      ||| % (config.fleetBlind { cluster: config.clusterLabel, by: lib.by(), up: up, attached: attached }),
      'A large part of the killsnoop exporters does not watch.',
      '{{ $value | printf "%%.0f" }} %% of the exporters{{ with $labels.%s }} of {{ . }}{{ end }} are down, or their program is not attached. Signals and deaths there are not counted meanwhile.' % config.clusterLabel,
    ),
    // A job without any target has no `up` at all.
    lib.rule(
      'KillsnoopExporterAbsent',
      config.exporterAbsent,
      'absent(%s)' % up,
      'Prometheus has no killsnoop exporter to scrape.',
      'Signals and deaths are counted nowhere: no target matches %s. Look at the scrape configuration, or at what discovers targets.' % std.strReplace(config.killsnoopSelector, '"', "'"),
    ),
  ]),
}
