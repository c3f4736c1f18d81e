// What all alerts share: labels, annotations, and the way from counters to increases.
function(config) {
  local this = self,

  // The labels that tell machines apart, as `by` takes them; with further ones.
  by(labels=[]):: std.join(', ', config.targetLabels + labels),

  // A selector: a metric, the exporters, and more matchers.
  select(metric, matchers=''):: '%s{%s}' % [metric, std.join(', ', std.filter(function(part) part != '', [config.killsnoopSelector, matchers]))],

  // Where an alert came from, for a sentence.
  on:: 'On {{ $labels.instance }}',

  // A number of things, which increase() may have as a fraction.
  about:: 'about {{ $value | printf "%.0f" }}',

  rule(name, settings, expr, summary, description):: {
    alert: name,
    expr: expr,
    [if settings['for'] != '0m' then 'for']: settings['for'],
    labels: { severity: settings.severity },
    annotations: {
      summary: summary,
      description: description,
      runbook_url: config.runbookURLPattern % name,
    },
  },

  // A group of the mixin's alerts.
  group(name, rules):: { groups+: [{ name: name, rules: rules }] },
}
