// Alerts on deaths in containers, where exporters run with --metrics.container-deaths: they have the labels that lead to
// the owner of a workload. They are silent where that flag is not given.
local alerts = import '../lib/alerts.libsonnet';

{
  local config = self._config,
  local lib = alerts(config),
  local place = [config.namespaceLabel, config.podLabel, config.containerLabel],

  // A series appears with its first death, which increase() does not see. So what was there at the window's beginning is
  // taken from what is there now, if the exporter was seen then and has not begun anew since. It was if something of its own
  // is there: `up` is there, as 0, of a scrape that failed, and not at all of what is pushed.
  local died(matchers, settings) =
    |||
      sum by (%(place)s) (
        %(series)s
        - (%(series)s offset %(window)s <= %(series)s or 0 * %(series)s)
        and on (%(target)s) %(seen)s offset %(window)s
      ) > %(max)s
    ||| % (settings {
             place: lib.by(place),
             target: lib.by(),
             series: lib.select('killsnoop_container_deaths_total', matchers),
             seen: lib.select('killsnoop_build_info'),
           }),

  local where = 'Container %s' % std.join('/', ['{{ $labels.%s }}' % label for label in place]),
  local why = 'killsnoop-exporter why {{ $labels.%s }}/{{ $labels.%s }}, as root on {{ $labels.instance }}' % [config.namespaceLabel, config.podLabel],

  prometheusAlerts+:: lib.group('killsnoop-containers', [
    lib.rule(
      'KillsnoopContainerOomKill',
      config.containerOomKill,
      died('cause=~"oom.*"', config.containerOomKill),
      'A process of a container was killed because memory ran out.',
      '%s lost %s processes in the last %s because memory ran out. The container may live on, if the victim was not its first process. Which, and what limit: %s.' % [where, lib.about, config.containerOomKill.window, why],
    ),
    lib.rule(
      'KillsnoopContainerSigkilled',
      config.containerSigkilled,
      died('signal="SIGKILL", cause!~"%s|other"' % config.expectedSigkillCauses, config.containerSigkilled),
      'A container is killed again and again, and not for want of memory.',
      '%s was killed by SIGKILL %s times in the last %s (exit status 137, but no OOM kill): by a probe, after its grace period, or by hand. Who: %s.' % [where, lib.about, config.containerSigkilled.window, why],
    ),
    lib.rule(
      'KillsnoopContainerCrashLoop',
      config.containerCrashLoop,
      died('cause=~"fault|abort"', config.containerCrashLoop),
      'A program in a container crashes again and again.',
      '%s crashed %s times in the last %s. Where: %s.' % [where, lib.about, config.containerCrashLoop.window, why],
    ),
  ]),
}
