// Expressions of dashboards, over what the variables of the dashboard select.
{
  // A selector by the variables that all dashboards have, and more matchers.
  select(metric, matchers=''):: '%s{%s}' % [
    metric,
    std.join(', ', ['%(cluster)s=~"$cluster", job=~"$job", instance=~"$instance"' % self.labels] + (if matchers == '' then [] else [matchers])),
  ],

  // Per second.
  rate(metric, labels, matchers=''):: 'sum by (%s) (rate(%s[$__rate_interval]))' % [labels, self.select(metric, matchers)],

  // How many there were in a time, exactly: increase() would extend what it sees to the whole of the time, and does not
  // see the first of a series that was not there before. Where the count is lower than before, the exporter was started
  // anew, and all are new.
  counted(metric, labels, matchers='', window='$__interval')::
    local series = self.select(metric, matchers);
    '%(sum)s (%(series)s - (%(series)s offset %(window)s <= %(series)s or 0 * %(series)s))' % {
      sum: if labels == '' then 'sum' else 'sum by (%s)' % labels,
      series: series,
      window: window,
    },

  // The same where there were any: what never happened has no place in a legend.
  happened(metric, labels, matchers=''):: self.counted(metric, labels, matchers) + ' > 0',

  // The same for all of the time that the dashboard shows.
  inRange(metric, labels, matchers=''):: self.counted(metric, labels, matchers, '$__range'),

  // The same of what recording rules have written down, as `rules` has them by their counters. Where nothing happened there
  // is nothing.
  recorded(rules):: self {
    counted(metric, labels, matchers='', window='$__interval')::
      '%s (sum_over_time(%s[%s]))' % [if labels == '' then 'sum' else 'sum by (%s)' % labels, self.select(rules[metric], matchers), window],
  },

  labels:: error 'names of labels are missing',
}
