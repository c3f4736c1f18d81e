// All machines at a glance: does anything die that should not, and where?
local dashboards = import '../lib/dashboard.libsonnet';
local shared = import '../lib/shared.libsonnet';

{
  local config = self._config,
  local d = dashboards(config),
  local s = shared(config, recorded=true),
  local p = s.p,
  local q = s.q,
  local up = q.select('up'),
  local host = p.link('What kills what on this host', d.url('killsnoop-host', '&var-instance=${__data.fields.Host}')),

  // The hosts with the most, or all where there are few.
  local most(matchers) = p.rows('topk(20, %s) > 0' % q.inRange('killsnoop_deaths_total', 'instance', matchers)),

  grafanaDashboards+:: {
    'killsnoop-fleet.json': d.dashboard(
      'killsnoop-fleet',
      'Fleet overview',
      'Signals and deaths on all machines that run a killsnoop exporter, and which machines to look at. It needs the recording rules that come with the alerts.',
      d.common(),
      s.annotations(d),
      [
        d.row('What happened in this time', [
          d.at(3, 4, p.stat('Hosts watched', 'Exporters that Prometheus can scrape, now.', 'none', [p.instant('sum(%s)' % up)])),
          d.at(3, 4, p.stat(
            'Not watched',
            'Exporters that cannot be scraped, or whose programs are not attached, now: nobody will know what killed a process there.',
            'none',
            [p.instant('(count(%s == 0 or %s == 0) or vector(0))' % [up, q.select(config.recorded.attached)])],
            p.steps.goodBelow(1),
          )),
          d.at(3, 4, s.deaths),
          d.at(4, 4, s.sigkills),
          d.at(3, 4, s.ooms),
          d.at(4, 4, s.crashes),
          d.at(4, 4, s.dumps),
        ]),
        d.row('Where to look', [
          d.at(12, 9, p.table(
            'Hosts with the most deaths',
            'Processes that died of a signal in the time shown: those by SIGKILL that were no OOM kills, those that ran out of memory, and crashes. A host leads to its own dashboard.',
            'short',
            [
              most(''),
              most(s.sigkilled),
              most('cause=~"oom.*"'),
              most(s.crashed),
            ],
            [['instance', 'Host'], ['Value #A', 'Deaths'], ['Value #B', 'SIGKILL, not OOM'], ['Value #C', 'OOM'], ['Value #D', 'Crashes']],
            'Deaths',
          ) + p.column('Host', { links: [host] }) + p.gaugeColumn('Deaths')),
          d.at(12, 9, p.table(
            'Alerts that fire',
            'Alerts of killsnoop, now. The page of each in dashboards/runbooks says what to do.',
            'short',
            [p.rows('sort(count by (%s) (ALERTS{alertname=~"Killsnoop.+", alertstate="firing"}))' % std.join(', ', ['severity', 'alertname', 'instance', config.podLabel]))],
            [['severity', 'Severity'], ['alertname', 'Alert'], ['instance', 'Host'], [config.podLabel, 'Pod']],
          ) + p.column('Host', { links: [host] }) + p.wide('Severity', 90) + p.wide('Host', 150)),
        ]),
        d.row('Deaths', [
          d.at(16, 8, s.deathsByCause),
          d.at(8, 8, p.bargauge(
            'Signals that killed',
            'Deaths in the time shown, by the signal that the process died of.',
            'short',
            [p.instant('sort_desc(topk(8, %s) > 0)' % q.inRange('killsnoop_deaths_total', 'signal'), '{{signal}}')],
          )),
          d.at(12, 8, s.oomByScope('instance, scope', '{{instance}} {{scope}}')),
          d.at(12, 8, p.bars(
            'Crashes, by signal',
            'Faults of a program itself, and abort().',
            [p.query(q.happened('killsnoop_deaths_total', 'signal', s.crashed))],
          )),
        ]),
        d.row('Calls that send signals', [
          d.at(12, 8, p.lines(
            'SIGKILL calls, by host',
            'Successful calls of kill() and its kin that sent SIGKILL: the ten hosts with the most.',
            'cps',
            [p.query('topk(10, %s)' % q.rate('killsnoop_kill_calls_total', 'instance', 'signal="SIGKILL", result="ok"'), '{{instance}}')],
          )),
          d.at(12, 8, p.lines(
            'Calls in vain, by errno',
            'EPERM: the caller may not. ESRCH: there is no such process. Calls with signal 0, which only ask, are left out.',
            'cps',
            [p.query('sum by (result) (%s)' % q.select(config.recorded.failedCalls), '{{result}}')],
          )),
        ]),
      ],
    ),
  },
}
