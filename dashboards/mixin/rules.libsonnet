// Recording rules, by which the fleet dashboard reads little however many machines there are: what happened, and not the
// hundreds of counters of each machine that stay as they are.
local alerts = import 'lib/alerts.libsonnet';

{
  local config = self._config,
  local lib = alerts(config),
  local by(labels, expr, aggregate='sum') = '%s by (%s) (%s)' % [aggregate, lib.by(labels), expr],

  // How many more there are than an interval before, where there are any; each is in one interval and in no other, so that
  // the sum over a time is exact. The last value of five minutes bridges scrapes that fail, as they do where memory is
  // short. Where a count is lower than before, the exporter was started anew, and all are new. An exporter that was not seen
  // for longer says nothing at first, since nobody knows when what it has counted was.
  local increase(metric, labels) =
    local now = 'last_over_time(%s[5m])' % lib.select(metric);
    local before = 'last_over_time(%s[5m] offset %s)' % [lib.select(metric), config.recordingInterval];
    local known = 'last_over_time(%s[5m] offset %s)' % [lib.select('killsnoop_build_info'), config.recordingInterval];
    '%s > 0\n' % by(labels, '\n  %s\n  - (%s <= %s or 0 * %s)\n  and on (%s) %s\n' % [now, before, now, now, lib.by(), known]),

  prometheusRules+:: { groups+: [{
    name: 'killsnoop-fleet.rules',
    interval: config.recordingInterval,
    rules: [
      { record: config.recorded.deaths, expr: increase('killsnoop_deaths_total', ['signal', 'cause', 'core_dumped']) },
      { record: config.recorded.ooms, expr: increase('killsnoop_oom_kills_total', ['scope']) },
      {
        record: config.recorded.failedCalls,
        expr: '%s > 0' % by(['result'], 'rate(%s[5m])' % lib.select('killsnoop_kill_calls_total', 'signal!="0", result!="ok"')),
      },
      { record: config.recorded.attached, expr: by([], lib.select('killsnoop_program_attached'), 'min') },
    ],
  }] },
}
