// Deaths by namespace, pod and container, where exporters run with --metrics.container-deaths.
local dashboards = import '../lib/dashboard.libsonnet';
local logs = import '../lib/logs.libsonnet';
local shared = import '../lib/shared.libsonnet';

{
  local config = self._config,
  local d = dashboards(config),
  local s = shared(config),
  local p = s.p,
  local q = s.q,
  local labels = { namespace: config.namespaceLabel, pod: config.podLabel, container: config.containerLabel },
  local place = '%(namespace)s, %(pod)s, %(container)s' % labels,
  local legend = '{{%(namespace)s}}/{{%(pod)s}}/{{%(container)s}}' % labels,

  // Increases of the series whose labels are all `other` are not new deaths.
  local chosen(matchers) = std.join(', ', std.filter(function(part) part != '', [
    '%(namespace)s=~"$namespace", %(pod)s=~"$pod", cause!="other"' % labels,
    matchers,
  ])),
  local inRange(by, matchers='') = q.inRange('killsnoop_container_deaths_total', by, chosen(matchers)),
  local counted(by, matchers='') = q.happened('killsnoop_container_deaths_total', by, chosen(matchers)),
  local stat(title, description, matchers, steps=[['text', null]]) =
    p.stat(title, description, 'short', [p.instant(inRange('', matchers))], steps),
  local most(matchers='') = p.rows('topk(30, %s) > 0' % inRange(place, matchers)),
  local top(matchers) = 'topk(10, %s)' % counted(place, matchers),
  local metric = 'killsnoop_container_deaths_total{%s=~"$cluster", job=~"$job", instance=~"$instance"' % config.clusterLabel,
  local told = p.link('The sentence for each of these deaths', logs(config).url(['${__data.fields.Pod}'])),

  grafanaDashboards+:: {
    'killsnoop-containers.json': d.dashboard(
      'killsnoop-containers',
      'Containers',
      'Deaths in containers, of any process and not only the first: which workload, which signal, which cause. Exporters show them with --metrics.container-deaths.',
      d.common() + [
        d.variable('namespace', 'Namespace', metric + '}', config.namespaceLabel),
        d.variable('pod', 'Pod', '%s, %s=~"$namespace"}' % [metric, config.namespaceLabel], config.podLabel),
      ],
      [
        d.annotation(
          'OOM kills in containers',
          '%s > 0' % q.counted('killsnoop_container_deaths_total', place, chosen('cause=~"oom.*"'), window='1m'),
          'OOM kill in %s' % legend,
          'red',
        ),
      ],
      [
        d.row('What happened in this time', [
          d.at(5, 4, stat('Deaths in containers', 'Processes in containers that a signal ended, in the time shown.', '')),
          d.at(5, 4, stat('SIGKILL, but not OOM', 'Exit status 137 without an OOM kill: by a probe, after a grace period, or by hand. Without those that ended with their container.', s.sigkilled, p.steps.noticeFrom(1))),
          d.at(5, 4, stat('OOM', 'Processes that died because memory ran out, also those that are not the first of their container, which Kubernetes does not report.', 'cause=~"oom.*"', p.steps.badFrom(1))),
          d.at(5, 4, stat('Crashes', 'Faults of a program itself, and abort().', s.crashed, p.steps.noticeFrom(1))),
          d.at(4, 4, p.stat(
            'Containers without a series',
            'Deaths, since the exporters began, of containers that had to share the series whose labels are all `other`: a higher --metrics.container-deaths-max tells them apart.',
            'short',
            [p.instant('sum(%s)' % q.select('killsnoop_container_deaths_total', 'cause="other"'))],
            p.steps.noticeFrom(1),
          )),
        ]),
        d.row('Which', [
          d.at(24, 10, p.table(
            'Containers with the most deaths',
            'Processes that died of a signal in the time shown. A pod leads to the sentences in the log store.',
            'short',
            [most(), most(s.sigkilled), most('cause=~"oom.*"'), most(s.crashed)],
            [
              [labels.namespace, 'Namespace'],
              [labels.pod, 'Pod'],
              [labels.container, 'Container'],
              ['Value #A', 'Deaths'],
              ['Value #B', 'SIGKILL, not OOM'],
              ['Value #C', 'OOM'],
              ['Value #D', 'Crashes'],
            ],
            'Deaths',
          ) + p.column('Pod', { links: [told] }) + p.gaugeColumn('Deaths')),
        ]),
        d.row('When', [
          d.at(12, 8, p.bars('Deaths in containers, by cause', 'What killed processes in containers.', [p.query(counted('cause'), '{{cause}}')]) + p.byCause),
          d.at(12, 8, p.bars('Deaths in containers, by namespace', 'Where processes died.', [p.query(counted(config.namespaceLabel), '{{%s}}' % config.namespaceLabel)])),
          d.at(12, 8, p.bars('OOM, by container', 'The ten containers with the most in each interval.', [p.query(top('cause=~"oom.*"'), legend)])),
          d.at(12, 8, p.bars('SIGKILL, but not OOM, by container', 'The ten containers with the most in each interval.', [p.query(top(s.sigkilled), legend)])),
          d.at(24, 8, p.bars('Crashes, by container', 'The ten containers with the most in each interval.', [p.query(top(s.crashed), legend)])),
        ]),
      ],
    ),
  },
}
