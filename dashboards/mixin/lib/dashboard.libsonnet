// A dashboard of rows of panels: identity, variables, links, annotations and the place of each panel.
local logs = import 'logs.libsonnet';
local panels = import 'panels.libsonnet';

// Panels of a row from left to right, and in a further line where there is no room: where the row ends, and its panels. The
// steps of both loops are arrays, because jsonnet calculates the field of an object anew each time.
local flow(specs, top) =
  local end = std.foldl(
    function(step, spec)
      local fits = step[0] + spec.w <= 24;
      local x = if fits then step[0] else 0;
      local y = if fits then step[1] else step[2];
      [x + spec.w, y, std.max(step[2], y + spec.h), step[3] + [spec.panel { gridPos: { x: x, y: y, w: spec.w, h: spec.h } }]],
    specs,
    [0, top, top, []]
  );
  [end[2], end[3]];

local row(title, top) = {
  type: 'row',
  title: title,
  collapsed: false,
  panels: [],
  gridPos: { x: 0, y: top, w: 24, h: 1 },
};

local laidOut(rows) =
  local all = std.foldl(
    function(step, spec)
      local flowed = flow(spec.panels, step[0] + 1);
      [flowed[0], step[1] + [row(spec.title, step[0])] + flowed[1]],
    rows,
    [0, []]
  )[1];
  [all[i] { id: i + 1 } for i in std.range(0, std.length(all) - 1)];

function(config) {
  local this = self,
  local settings = config.dashboards,

  // A panel that is so wide, of 24, and so high. Where there is little room, the legend is below, and has names alone.
  at(w, h, panel):: {
    w: w,
    h: h,
    panel: panel + (
      if panel.type == 'timeseries' && w <= 8 then
        { options+: { legend+: { displayMode: 'list', placement: 'bottom', calcs: [] } } }
      else {}
    ),
  },

  row(title, panels):: { title: title, panels: panels },

  // Labels of a metric, as the user chooses among them. All are chosen at first, unless it takes one.
  variable(name, label, metric, labelName, one=false):: {
    name: name,
    label: label,
    type: 'query',
    datasource: panels.datasource,
    query: { query: 'label_values(%s, %s)' % [metric, labelName], refId: 'StandardVariableQuery' },
    refresh: 2,
    sort: 1,
    multi: !one,
    includeAll: !one,
    [if !one then 'allValue']: '.*',
    [if !one then 'current']: { selected: true, text: ['All'], value: ['$__all'] },
  },

  // Those that all dashboards have. Links between dashboards hand them on.
  common(oneInstance=false):: [
    { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', refresh: 1, includeAll: false, multi: false },
    logs(config).variable,
    this.variable('cluster', 'Cluster', 'killsnoop_build_info', config.clusterLabel),
    this.variable('job', 'Job', 'killsnoop_build_info{%s=~"$cluster"}' % config.clusterLabel, 'job'),
    this.variable('instance', if oneInstance then 'Host' else 'Hosts', 'killsnoop_build_info{%s=~"$cluster", job=~"$job"}' % config.clusterLabel, 'instance', oneInstance),
  ],

  // Marks on all panels wherever this finds something.
  annotation(name, expr, title, color):: {
    name: name,
    enable: true,
    hide: false,
    iconColor: color,
    datasource: panels.datasource,
    titleFormat: title,
    target: { refId: 'Anno', expr: expr, interval: '1m', editorMode: 'code' },
  },

  // The URL of another of these dashboards, with what is chosen here; more is added behind.
  url(uid, more=''):: '/d/%s?${__url_time_range}&${datasource:queryparam}&${logs:queryparam}&${cluster:queryparam}&${job:queryparam}%s' % [uid, more],

  dashboard(uid, title, description, variables, annotations, rows):: {
    uid: uid,
    id: null,
    title: settings.prefix + title,
    description: description,
    tags: settings.tags,
    schemaVersion: 42,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: settings.refresh,
    time: { from: settings.from, to: 'now' },
    timepicker: {},
    timezone: settings.timezone,
    templating: { list: variables },
    annotations: { list: annotations },
    links: [
      { type: 'dashboards', title: 'Killsnoop', tags: settings.tags, asDropdown: true, includeVars: true, keepTime: true, targetBlank: false, icon: 'external link', tooltip: 'The other dashboards, with the same time and choice' },
      { type: 'link', title: 'Deaths in the log store', url: logs(config).url(), tags: [], asDropdown: false, includeVars: false, keepTime: false, targetBlank: true, icon: 'doc', tooltip: 'A sentence for each death: who died, of what, and who did it' },
    ],
    panels: laidOut(rows),
  },
}
