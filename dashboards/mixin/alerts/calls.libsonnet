// Alerts on calls that ask for a signal to be sent, by machine.
local alerts = import '../lib/alerts.libsonnet';

{
  local config = self._config,
  local lib = alerts(config),
  local calls(matchers) = lib.select('killsnoop_kill_calls_total', matchers),
  local sum(labels, expr) = 'sum by (%s) (%s)' % [lib.by(labels), expr],

  // More than so many, and more than so many times what the time before had. Both sides of the second comparison are
  // calls per scrape, because that does not change where the past has gaps, as after a restart or a fresh start; calls
  // per second would seem few there, and any noise a spike.
  local spike(settings) =
    local sigkill = calls('signal="SIGKILL", result="ok"');
    local perScrape(range) = sum([], 'increase(%(what)s%(range)s) / count_over_time(%(what)s%(range)s)' % { what: sigkill, range: range });
    '%s > %s\nand\n%s > %s *\n%s\n' % [
      sum([], 'increase(%s[%s])' % [sigkill, settings.window]),
      settings.min,
      perScrape('[%s]' % settings.window),
      settings.factor,
      perScrape('[%s] offset %s' % [settings.past, settings.window]),
    ],

  prometheusAlerts+:: lib.group('killsnoop-calls', [
    lib.rule(
      'KillsnoopSigkillSpike',
      config.sigkillSpike,
      spike(config.sigkillSpike),
      'Far more SIGKILLs are sent than in the hour before.',
      '%s, %s calls sent SIGKILL in the last %s, more than %s times what is usual there. Who died of them and who sent them: killsnoop-exporter why --since 15m, as root on that machine.' % [lib.on, lib.about, config.sigkillSpike.window, config.sigkillSpike.factor],
    ),
    // Signal 0 only asks whether a process is there; ESRCH is its usual answer.
    lib.rule(
      'KillsnoopFailingKills',
      config.failingKills,
      '%s > %s' % [
        sum(['signal', 'result'], 'rate(%s[%s])' % [calls('signal!="0", result=~"EPERM|ESRCH"'), config.failingKills.window]),
        config.failingKills.max,
      ],
      'Something keeps sending signals in vain.',
      '%s, {{ $value | printf "%%.1f" }} calls per second ask for {{ $labels.signal }} and fail with {{ $labels.result }} ({{ if eq $labels.result "EPERM" }}they may not{{ else }}there is no such process{{ end }}). Who calls: killsnoop-exporter trace --failed --signal {{ $labels.signal }}, as root on that machine.' % lib.on,
    ),
  ]),
}
