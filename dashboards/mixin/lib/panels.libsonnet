// Panels of each kind, with what all of a kind share. Layout is the dashboard's, see dashboard.libsonnet.
local datasource = { type: 'prometheus', uid: '${datasource}' };

local panel(type, title, description, unit, targets) = {
  type: type,
  title: title,
  description: description,
  datasource: datasource,
  targets: [
    targets[i] { refId: std.char(65 + i), datasource: datasource, editorMode: 'code' }
    for i in std.range(0, std.length(targets) - 1)
  ],
  fieldConfig: { defaults: { unit: unit, color: { mode: 'palette-classic' } }, overrides: [] },
};

local thresholds(steps) = {
  mode: 'absolute',
  steps: [{ color: step[0], value: step[1] } for step in steps],
};

local reduce = { values: false, calcs: ['lastNotNull'], fields: '' };

{
  datasource:: datasource,

  // A line or a bar for each series, by the time. Exemplars of the series lead to the process behind a point.
  query(expr, legend='__auto', exemplar=false):: { expr: expr, legendFormat: legend, range: true, instant: false, exemplar: exemplar },

  // One value for each series, as of the end of the time.
  instant(expr, legend='__auto'):: { expr: expr, legendFormat: legend, range: false, instant: true },

  // The same, as rows.
  rows(expr):: self.instant(expr) { format: 'table' },

  link(title, url):: { title: title, url: url, targetBlank: false },

  // Lines.
  lines(title, description, unit, targets):: panel('timeseries', title, description, unit, targets) {
    fieldConfig+: { defaults+: {
      min: 0,
      custom: { drawStyle: 'line', lineWidth: 2, fillOpacity: 4, showPoints: 'never', spanNulls: false, stacking: { mode: 'none', group: 'A' } },
    } },
    options: {
      legend: { displayMode: 'table', placement: 'right', showLegend: true, calcs: ['max', 'lastNotNull'], sortBy: 'Max', sortDesc: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  },

  // What happened in each interval, one upon the other. Less than a minute tells nothing of what is scraped each 15 s or 30 s.
  bars(title, description, targets):: self.lines(title, description, 'short', targets) {
    interval: '1m',
    fieldConfig+: { defaults+: {
      decimals: 0,
      noValue: 'none in this time',
      custom+: { drawStyle: 'bars', fillOpacity: 70, lineWidth: 0, stacking+: { mode: 'normal' } },
    } },
    options+: { legend+: { calcs: ['sum'], sortBy: 'Total' } },
  },

  // One number. Steps are pairs of colour and the value from which it is so.
  stat(title, description, unit, targets, steps=[['text', null]]):: panel('stat', title, description, unit, targets) {
    fieldConfig+: { defaults+: { color: { mode: 'thresholds' }, thresholds: thresholds(steps), noValue: '0' } },
    options: {
      colorMode: 'value',
      graphMode: 'none',
      justifyMode: 'auto',
      orientation: 'auto',
      percentChangeColorMode: 'standard',
      reduceOptions: reduce,
      showPercentChange: false,
      textMode: 'auto',
      wideLayout: true,
    },
  },

  // The largest, side by side.
  bargauge(title, description, unit, targets):: panel('bargauge', title, description, unit, targets) {
    fieldConfig+: { defaults+: { min: 0, decimals: 0, color: { mode: 'fixed', fixedColor: 'semi-dark-orange' }, thresholds: thresholds([['semi-dark-orange', null]]) } },
    options: {
      displayMode: 'basic',
      legend: { displayMode: 'list', placement: 'bottom', showLegend: false, calcs: [] },
      maxVizHeight: 300,
      minVizHeight: 16,
      minVizWidth: 8,
      namePlacement: 'auto',
      orientation: 'horizontal',
      reduceOptions: reduce,
      showUnfilled: true,
      sizing: 'auto',
      text: { titleSize: 14, valueSize: 16 },
      valueMode: 'color',
    },
  },

  // Rows, merged from all targets by the labels that they share. `columns` are pairs of a column, as merging names it, and
  // its title, in their order; the others are left out. The first number that `sortBy` titles decides the order of rows.
  table(title, description, unit, targets, columns, sortBy=null):: panel('table', title, description, unit, targets) {
    fieldConfig+: { defaults+: { color: { mode: 'thresholds' }, thresholds: thresholds([['text', null]]), custom: { align: 'auto', inspect: false, cellOptions: { type: 'auto' } } } },
    options: {
      showHeader: true,
      cellHeight: 'sm',
      frameIndex: 0,
      sortBy: if sortBy == null then [] else [{ displayName: sortBy, desc: true }],
    },
    transformations: [
      { id: 'merge', options: {} },
      { id: 'filterFieldsByName', options: { include: { names: [column[0] for column in columns] } } },
      { id: 'organize', options: {
        excludeByName: {},
        indexByName: { [columns[i][0]]: i for i in std.range(0, std.length(columns) - 1) },
        renameByName: { [column[0]]: column[1] for column in columns },
      } },
    ],
  },

  // A column of a table with more than what all columns have.
  column(name, properties):: { fieldConfig+: { overrides+: [{
    matcher: { id: 'byName', options: name },
    properties: [{ id: id, value: properties[id] } for id in std.objectFields(properties)],
  }] } },

  // A column of so many pixels, where an even share is too much or too little.
  wide(name, pixels):: self.column(name, { 'custom.width': pixels }),

  // Causes that are in many panels have one colour in all of them: red is memory, orange a process that kills, violet and blue a
  // program that crashes, green what ends with its container or unit.
  byCause:: { fieldConfig+: { overrides+: [
    {
      matcher: { id: 'byName', options: cause[0] },
      properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: cause[1] } }],
    }
    for cause in [
      ['kill', 'orange'],
      ['tgkill', 'dark-orange'],
      ['pidfd', 'light-orange'],
      ['oom_memcg', 'red'],
      ['oom_global', 'dark-red'],
      ['oom', 'light-red'],
      ['fault', 'purple'],
      ['abort', 'blue'],
      ['cgroup_kill', 'green'],
      ['pidns_exit', 'dark-green'],
      ['pipe', 'super-light-yellow'],
    ]
  ] } },

  // A number of a table as a bar within its cell.
  gaugeColumn(name):: self.column(name, { 'custom.cellOptions': { type: 'gauge', mode: 'basic', valueDisplayMode: 'text' }, color: { mode: 'fixed', fixedColor: 'semi-dark-orange' }, min: 0 }),

  // What tells good from bad.
  steps:: {
    goodBelow(limit): [['green', null], ['red', limit]],
    noticeFrom(limit): [['text', null], ['orange', limit]],
    badFrom(limit): [['text', null], ['red', limit]],
  },
}
