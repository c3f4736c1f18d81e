// What several dashboards show: the numbers that everybody asks for first, and the marks of deaths.
local panels = import 'panels.libsonnet';
local queries = import 'queries.libsonnet';

// With `recorded` from what recording rules have written down, for more machines than counters can be read of.
function(config, recorded=false) {
  local counters = queries { labels: { cluster: config.clusterLabel } },
  local rules = { killsnoop_deaths_total: config.recorded.deaths, killsnoop_oom_kills_total: config.recorded.ooms },
  local q = if recorded then counters.recorded(rules) else counters,
  local oomless = 'signal="SIGKILL", cause!~"%s"' % config.expectedSigkillCauses,

  q:: q,
  p:: panels,

  // Matchers of deaths.
  sigkilled:: oomless,
  crashed:: 'cause=~"fault|abort"',
  dumped:: 'core_dumped="true"',

  // Numbers of the time that the dashboard shows.
  deaths:: panels.stat(
    'Deaths by a signal',
    'Processes that a signal ended, for whatever reason, in the time shown.',
    'short',
    [panels.instant(q.inRange('killsnoop_deaths_total', ''))],
  ),
  sigkills:: panels.stat(
    'SIGKILL, but not OOM',
    'Processes that died of SIGKILL (exit status 137) because a process asked for it, in the time shown: without OOM kills and without those that ended with their cgroup or container.',
    'short',
    [panels.instant(q.inRange('killsnoop_deaths_total', '', oomless))],
    panels.steps.noticeFrom(1),
  ),
  ooms:: panels.stat(
    'OOM kills',
    'Processes that the kernel killed because memory ran out, in the time shown; any process, not only the first of a container.',
    'short',
    [panels.instant(q.inRange('killsnoop_oom_kills_total', ''))],
    panels.steps.badFrom(1),
  ),
  crashes:: panels.stat(
    'Crashes',
    'Processes that died of a fault of their own (SIGSEGV, SIGBUS, …) or of abort(), in the time shown.',
    'short',
    [panels.instant(q.inRange('killsnoop_deaths_total', '', self.crashed))],
    panels.steps.noticeFrom(1),
  ),
  dumps:: panels.stat(
    'Core dumps',
    'Processes whose core the kernel dumped, in the time shown.',
    'short',
    [panels.instant(q.inRange('killsnoop_deaths_total', '', self.dumped))],
    panels.steps.noticeFrom(1),
  ),

  // Bars of what happened.
  deathsByCause:: panels.bars(
    'Deaths, by cause',
    'What killed processes: a call (kill, tgkill, pidfd, …), the OOM killer, a fault or abort() of their own, a cgroup or a container that ended, and so on.',
    [panels.query(q.happened('killsnoop_deaths_total', 'cause'), '{{cause}}', exemplar=!recorded)],
  ) + panels.byCause,
  oomByScope(labels, legend):: panels.bars(
    'OOM kills, by what ran out',
    'memcg: a memory cgroup was at its limit, mostly that of a container. global: the whole machine.',
    [panels.query('topk(10, %s)' % q.happened('killsnoop_oom_kills_total', labels), legend)],
  ),

  // Marks on all panels: a mark for each death would be one colour, so only those that somebody may be asked about.
  annotations(dashboard):: [
    dashboard.annotation(
      'OOM kills',
      '%s > 0' % q.counted('killsnoop_oom_kills_total', 'instance, scope', window='1m'),
      'OOM kill on {{instance}} ({{scope}})',
      'red',
    ),
    dashboard.annotation(
      'SIGKILL, but not OOM',
      '%s > 0' % q.counted('killsnoop_deaths_total', 'instance, cause', oomless, window='1m'),
      'SIGKILL on {{instance}} ({{cause}})',
      'orange',
    ),
    dashboard.annotation(
      'Crashes',
      '%s > 0' % q.counted('killsnoop_deaths_total', 'instance, signal', self.crashed, window='1m'),
      'Crash on {{instance}} ({{signal}})',
      'purple',
    ),
  ],
}
