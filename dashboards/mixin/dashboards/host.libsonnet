// One machine: who kills what? Metrics say how many, of which signal and for which cause; exemplars and logs say who.
local dashboards = import '../lib/dashboard.libsonnet';
local logs = import '../lib/logs.libsonnet';
local shared = import '../lib/shared.libsonnet';

{
  local config = self._config,
  local d = dashboards(config),
  local s = shared(config),
  local p = s.p,
  local q = s.q,
  local sigkill = q.select('killsnoop_kill_calls_total', 'signal="SIGKILL", result="ok"'),
  local told = p.link('The sentence for each of these deaths', logs(config).url(['${__data.fields.Signal}'])),

  // What the alert on spikes compares.
  local spike = config.sigkillSpike,
  local usual =
    '%(factor)s\n* count_over_time(%(what)s[%(window)s])\n* increase(%(what)s[%(past)s] offset %(window)s)\n/ count_over_time(%(what)s[%(past)s] offset %(window)s)'
    % (spike { what: sigkill }),

  grafanaDashboards+:: {
    'killsnoop-host.json': d.dashboard(
      'killsnoop-host',
      'Host: who kills what',
      'Signals and deaths on one machine. For who did it: an exemplar of a point, the log store, or killsnoop-exporter why on the machine.',
      d.common(oneInstance=true),
      s.annotations(d),
      [
        d.row('What happened in this time', [
          d.at(4, 4, p.stat(
            'Watching',
            'Whether the exporter can be scraped and all its programs are attached.',
            'none',
            [p.instant('min(%s) * min(%s)' % [q.select('up'), q.select('killsnoop_program_attached')])],
            [['red', null], ['green', 1]],
          ) + { fieldConfig+: { defaults+: { mappings: [{ type: 'value', options: { '0': { text: 'no', color: 'red', index: 0 }, '1': { text: 'yes', color: 'green', index: 1 } } }] } } }),
          d.at(4, 4, s.deaths),
          d.at(4, 4, s.sigkills),
          d.at(4, 4, s.ooms),
          d.at(4, 4, s.crashes),
          d.at(4, 4, s.dumps),
        ]),
        d.row('Who dies, and of what', [
          d.at(14, 9, s.deathsByCause),
          d.at(10, 9, p.table(
            'Deaths in this time',
            'By signal and cause, and whether the kernel dumped core. A row leads to the sentences in the log store: who died, and who did it.',
            'short',
            [p.rows('%s > 0' % q.inRange('killsnoop_deaths_total', 'signal, cause, core_dumped'))],
            [['signal', 'Signal'], ['cause', 'Cause'], ['core_dumped', 'Core dumped'], ['Value', 'Deaths']],
            'Deaths',
          ) + p.column('Signal', { links: [told] }) + p.gaugeColumn('Deaths')),
          d.at(12, 8, p.bars(
            'Deaths by SIGKILL, by cause',
            'kill, tgkill, pidfd: a process asked for it. oom: memory ran out. cgroup_kill and pidns_exit: a unit or a container ended. rlimit: a limit of CPU time.',
            [p.query(q.happened('killsnoop_deaths_total', 'cause', 'signal="SIGKILL"'), '{{cause}}', exemplar=true)],
          ) + p.byCause),
          d.at(12, 8, p.bars(
            'Crashes and core dumps, by signal',
            'Faults of a program itself and abort(), and those that left a core.',
            [
              p.query(q.happened('killsnoop_deaths_total', 'signal', s.crashed + ', core_dumped="false"'), '{{signal}}', exemplar=true),
              p.query(q.happened('killsnoop_deaths_total', 'signal', s.dumped), '{{signal}}, core dumped'),
            ],
          )),
        ]),
        d.row('Who kills', [
          d.at(12, 8, p.lines(
            'SIGKILL: %(window)s against the %(past)s before' % spike,
            'Calls that sent SIGKILL, and the level at which the alert KillsnoopSigkillSpike sees a spike, if they are more than %s too.' % spike.min,
            'short',
            [
              p.query('increase(%s[%s])' % [sigkill, spike.window], 'last %s' % spike.window, exemplar=true),
              p.query(usual, '%s × usual' % spike.factor),
            ],
          )),
          d.at(12, 8, p.table(
            'Calls in this time',
            'Calls of kill() and its kin, by the signal asked for and by result.',
            'short',
            [p.rows('topk(20, %s) > 0' % q.inRange('killsnoop_kill_calls_total', 'signal, result'))],
            [['signal', 'Signal'], ['result', 'Result'], ['Value', 'Calls']],
            'Calls',
          ) + p.gaugeColumn('Calls')),
          d.at(12, 8, p.lines(
            'Calls, by system call',
            'Which system call senders use.',
            'cps',
            [p.query(q.rate('killsnoop_kill_calls_by_syscall_total', 'syscall'), '{{syscall}}')],
          )),
          d.at(12, 8, p.lines(
            'Calls in vain, by errno',
            'EPERM: the caller may not. ESRCH: there is no such process. Calls with signal 0, which only ask, are left out.',
            'cps',
            [p.query(q.rate('killsnoop_kill_calls_total', 'result', 'signal!="0", result!="ok"'), '{{result}}', exemplar=true)],
          )),
        ]),
        d.row('Signals as the kernel posts them', [
          d.at(8, 8, p.lines(
            'Signals, by origin',
            'What made the kernel send them: a call, a child that ended, a fault, a terminal, a timer, and so on.',
            'cps',
            [p.query(q.rate('killsnoop_signals_total', 'origin'), '{{origin}}')],
          )),
          d.at(8, 8, p.lines(
            'Signals that were not delivered',
            'Ignored by their target, pending already, or lost because a queue was full.',
            'cps',
            [p.query(q.rate('killsnoop_signals_total', 'signal, outcome', 'outcome!="delivered"'), '{{signal}} {{outcome}}')],
          )),
          d.at(8, 8, s.oomByScope('scope', '{{scope}}')),
        ]),
      ],
    ),
  },
}
