// The exporter itself: whether it watches, what it loses, and what it costs.
local dashboards = import '../lib/dashboard.libsonnet';
local shared = import '../lib/shared.libsonnet';

{
  local config = self._config,
  local d = dashboards(config),
  local s = shared(config),
  local p = s.p,
  local q = s.q,
  local stat(title, description, unit, expr, steps) = p.stat(title, description, unit, [p.instant(expr)], steps),
  local increased(metric, matchers='') = 'sum(increase(%s[$__range]))' % q.select(metric, matchers),

  grafanaDashboards+:: {
    'killsnoop-exporter.json': d.dashboard(
      'killsnoop-exporter',
      'Exporter health and cost',
      'Whether the exporters watch, what they lose on the way, and what they cost.',
      d.common(),
      [
        d.annotation(
          'Exporter started',
          'changes(%s[2m]) > 0' % q.select('process_start_time_seconds'),
          'Started on {{instance}}',
          'blue',
        ),
      ],
      [
        d.row('Health', [
          d.at(4, 4, stat('Scraped', 'Exporters that Prometheus can scrape, of all.', 'percentunit', 'avg(%s)' % q.select('up'), [['red', null], ['green', 1]])),
          d.at(4, 4, stat('Programs detached', 'BPF programs that should be attached and are not: with them nothing is counted.', 'none', 'sum(1 - %s)' % q.select('killsnoop_program_attached'), p.steps.goodBelow(1))),
          d.at(4, 4, stat('Events lost', 'Events that did not reach their receiver, in the time shown. Counters are exact however many are lost.', 'short', increased('killsnoop_events_lost_total'), p.steps.goodBelow(1))),
          d.at(4, 4, stat('Runs skipped', 'Runs of a program that the kernel skipped, so that a call or a death may have gone uncounted, in the time shown.', 'short', increased('killsnoop_program_recursion_misses_total'), p.steps.goodBelow(1))),
          d.at(4, 4, stat('CPU, of one core', 'The most that any exporter takes.', 'percentunit', 'max(rate(%s[$__rate_interval]))' % q.select('process_cpu_seconds_total'), [['text', null], ['orange', 0.1]])),
          d.at(4, 4, stat('Memory', 'The most that any exporter has, resident.', 'bytes', 'max(%s)' % q.select('process_resident_memory_bytes'), [['text', null], ['orange', 128 * 1024 * 1024]])),
          d.at(14, 8, p.table(
            'Exporters',
            'How calls are watched, and what the exporters were built from. A cell of Compat says whether calls of 32-bit programs are seen.',
            'none',
            [
              p.rows('max by (instance, backend, compat) (%s)' % q.select('killsnoop_hook_info')),
              p.rows('max by (instance, version, revision, arch) (%s)' % q.select('killsnoop_build_info')),
            ],
            [['instance', 'Host'], ['backend', 'Hook'], ['compat', 'Compat'], ['version', 'Version'], ['revision', 'Revision'], ['arch', 'Architecture']],
          )),
          d.at(10, 8, p.table(
            'What some kernels do not let be seen',
            'Hosts where a feature is missing. killsnoop-exporter check says why.',
            'none',
            [p.rows('count by (feature) (%s == 0)' % q.select('killsnoop_feature_available'))],
            [['feature', 'Feature'], ['Value', 'Hosts without it']],
          )),
        ]),
        d.row('Events', [
          d.at(8, 8, p.lines(
            'Events',
            'Made in the kernel by class, and taken by the receiver of each sink.',
            'cps',
            [
              p.query(q.rate('killsnoop_events_produced_total', 'class'), 'produced: {{class}}'),
              p.query(q.rate('killsnoop_events_delivered_total', 'sink'), 'delivered: {{sink}}'),
            ],
          )),
          d.at(8, 8, p.lines(
            'Events lost, by stage',
            'Where events were lost on their way. KillsnoopEventsLost says what to do at each stage.',
            'cps',
            [p.query(q.rate('killsnoop_events_lost_total', 'stage'), '{{stage}}')],
          )),
          d.at(8, 8, p.lines(
            'Events pending',
            'On their way: neither delivered nor lost. What grows for minutes waits for a collector that is slow or away.',
            'short',
            [p.query('sum by (stage) (%s)' % q.select('killsnoop_events_pending'), '{{stage}}')],
          )),
        ]),
        d.row('Hooks', [
          d.at(8, 8, p.lines(
            'Work that a hook could not do',
            'Errors by reason, and runs that the kernel skipped by program. counter_missing and skipped runs mean that counts are too low.',
            'cps',
            [
              p.query(q.rate('killsnoop_hook_errors_total', 'reason'), '{{reason}}'),
              p.query(q.rate('killsnoop_program_recursion_misses_total', 'program'), 'skipped: {{program}}'),
            ],
          )),
          d.at(8, 8, p.lines(
            'Program runs',
            'How often each BPF program runs. The kernel counts them only while the sysctl kernel.bpf_stats_enabled is 1.',
            'cps',
            [p.query(q.rate('killsnoop_program_run_count_total', 'program'), '{{program}}')],
          )),
          d.at(8, 8, p.lines(
            'Maps in use',
            'The fullest of each BPF map on any host. A map of senders or executables that is full forgets the oldest.',
            'percentunit',
            [p.query('max by (map) (%s / %s)' % [q.select('killsnoop_map_entries'), q.select('killsnoop_map_capacity')], '{{map}}')],
          )),
        ]),
        d.row('Cost', [
          d.at(12, 8, p.lines(
            'CPU, of one core',
            'What the exporter itself takes; the ten with the most. What its hooks cost other programs is in their system time.',
            'percentunit',
            [p.query('topk(10, rate(%s[$__rate_interval]))' % q.select('process_cpu_seconds_total'), '{{instance}}')],
          )),
          d.at(12, 8, p.lines(
            'Memory',
            'Resident memory; the ten with the most.',
            'bytes',
            [p.query('topk(10, %s)' % q.select('process_resident_memory_bytes'), '{{instance}}')],
          )),
          d.at(8, 8, p.lines(
            'Scrape duration',
            'The slowest: as Prometheus sees it, and the part of it that reading the counters from the kernel takes.',
            's',
            [
              p.query('max(%s)' % q.select('scrape_duration_seconds'), 'scrape'),
              p.query('max(%s)' % q.select('killsnoop_scrape_duration_seconds'), 'reading counters'),
            ],
          )),
          d.at(8, 8, p.lines(
            'Series of a page',
            'What an exporter costs Prometheus. A page has at most 600, and those of containers.',
            'short',
            [
              p.query('max(%s)' % q.select('scrape_samples_scraped'), 'largest page'),
              p.query('avg(%s)' % q.select('scrape_samples_scraped'), 'average'),
            ],
          )),
          d.at(8, 8, p.lines(
            'File descriptors and threads',
            'The most that any exporter has.',
            'short',
            [
              p.query('max(%s)' % q.select('process_open_fds'), 'file descriptors'),
              p.query('max(%s)' % q.select('process_threads'), 'threads'),
            ],
          )),
        ]),
      ],
    ),
  },
}
