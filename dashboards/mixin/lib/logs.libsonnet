// Links into the log store that has the events: one record per death, whose text is the verdict. The store is the
// operator's choice; `_config.logs` is the type of its data source.
local queries = {
  // Over OTLP, Loki makes a label of service.name.
  loki(words):: '{service_name="killsnoop-exporter"}' + std.join('', [' |= "%s"' % word for word in words]),
  'victoriametrics-logs-datasource'(words):: 'service.name:"killsnoop-exporter"' + std.join('', [' "%s"' % word for word in words]),
};

// What has a meaning in a URL; braces and the like have none.
local encode(text) = std.foldl(
  function(text, pair) std.strReplace(text, pair[0], pair[1]),
  [['%', '%25'], [' ', '%20'], ['"', '%22'], ['#', '%23'], ['&', '%26'], ['+', '%2B'], ['=', '%3D'], ['|', '%7C'], ['\\', '%5C']],
  text
);

function(config) {
  // The records of deaths that have these words, in the time that the dashboard shows. Grafana puts in the variables.
  url(words=[]):: '/explore?schemaVersion=1&panes=' + encode(std.manifestJsonMinified({
    killsnoop: {
      datasource: '${logs}',
      queries: [{
        refId: 'A',
        datasource: { type: config.logs, uid: '${logs}' },
        expr: queries[config.logs](['was killed by'] + words),
      }],
      range: { from: '${__from}', to: '${__to}' },
    },
  })),

  // Which of the data sources it is.
  variable:: {
    name: 'logs',
    label: 'Log store',
    description: 'Where the OTLP events of the exporters are kept. Links lead there.',
    type: 'datasource',
    query: config.logs,
    refresh: 1,
    includeAll: false,
    multi: false,
  },
}
