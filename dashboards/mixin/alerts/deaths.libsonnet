// Alerts on processes that died of a signal, by machine.
local alerts = import '../lib/alerts.libsonnet';

{
  local config = self._config,
  local lib = alerts(config),
  local died(matchers, labels, window) =
    'sum by (%s) (increase(%s[%s]))' % [lib.by(labels), lib.select('killsnoop_deaths_total', matchers), window],
  local oom(matchers, settings) =
    'sum by (%s) (increase(%s[%s])) > %s' % [lib.by(['scope']), lib.select('killsnoop_oom_kills_total', matchers), settings.window, settings.max],

  prometheusAlerts+:: lib.group('killsnoop-deaths', [
    // What died with its container or its unit is work as usual, and what ran out of memory has an alert of its own.
    // A burst, as when a node is drained, is over before the alert fires.
    lib.rule(
      'KillsnoopSigkillDeaths',
      config.sigkillDeaths,
      '%s > %s' % [
        died('signal="SIGKILL", cause!~"%s"' % config.expectedSigkillCauses, [], config.sigkillDeaths.window),
        config.sigkillDeaths.max,
      ],
      'Processes keep dying of SIGKILL, and not for want of memory.',
      '%s, %s processes died of SIGKILL in the last %s (exit status 137, but no OOM kill), without those that ended with their cgroup or container. Who sent it: killsnoop-exporter why --since 15m, as root on that machine.' % [lib.on, lib.about, config.sigkillDeaths.window],
    ),
    lib.rule(
      'KillsnoopOomKill',
      config.oomKill,
      oom('scope!="global"', config.oomKill),
      'The kernel kills processes because memory ran out in a cgroup.',
      '%s, the kernel killed %s processes in the last %s because {{ if eq $labels.scope "memcg" }}a cgroup was at its memory limit{{ else }}memory ran out{{ end }}. Whichever process of a container it was, killsnoop-exporter why --since 15m names it, with its cgroup and limit.' % [lib.on, lib.about, config.oomKill.window],
    ),
    lib.rule(
      'KillsnoopMachineOutOfMemory',
      config.machineOutOfMemory,
      oom('scope="global"', config.machineOutOfMemory),
      'A machine ran out of memory, and the kernel kills processes.',
      '%s, the kernel killed %s processes in the last %s because the whole machine was out of memory. The victims and who wanted memory: killsnoop-exporter why --since 15m, as root on that machine.' % [lib.on, lib.about, config.machineOutOfMemory.window],
    ),
    // In the last minutes too, so that the alert ends soon after the last crash.
    lib.rule(
      'KillsnoopCrashLoop',
      config.crashLoop,
      local crashes(window) = died('cause=~"fault|abort"', ['signal'], window);
      '%s > %s\nand\n%s > 0\n' % [crashes(config.crashLoop.window), config.crashLoop.max, crashes(config.crashLoop.lately)],
      'Something crashes again and again.',
      '%s, %s processes crashed with {{ $labels.signal }} in the last %s, and it goes on. Which program: killsnoop-exporter why --since %s, as root on that machine.' % [lib.on, lib.about, config.crashLoop.window, config.crashLoop.window],
    ),
    lib.rule(
      'KillsnoopCoreDump',
      config.coreDump,
      '%s > %s' % [died('core_dumped="true"', ['signal', 'cause'], config.coreDump.window), config.coreDump.max],
      'The kernel dumped core of a process.',
      '%s, %s processes died of {{ $labels.signal }} ({{ $labels.cause }}) in the last %s, and the kernel dumped their core. Whose: killsnoop-exporter why --since 15m, as root on that machine.' % [lib.on, lib.about, config.coreDump.window],
    ),
  ]),
}
