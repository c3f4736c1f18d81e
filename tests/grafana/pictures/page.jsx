// Draws a dashboard of this repository with Grafana's own panels and what a Prometheus answers, without a Grafana. It reads
// the JSON that ships; what Grafana's server and its plugins do with it, and a picture needs, is done here: variables, places,
// field options, overrides and transformations. Marks of annotations are left out.
import React, { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import {
  FieldType,
  createTheme,
  dateTime,
  getDisplayProcessor,
  getFieldDisplayName,
  reduceField,
  standardTransformers,
  standardTransformersRegistry,
  toDataFrame,
  transformDataFrame,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, Table, ThemeContext, TimeSeries } from '@grafana/ui';

// The range ends with the history; alerts are those of now.
const { dashboard, prometheus, variables, end, now } = window.picture;
const theme = createTheme({ colors: { mode: 'dark' } });
const WIDTH = 1600;
const [COLUMN, CELL, GAP] = [WIDTH / 24, 36, 8];
const RANGE = 3 * 3600;

standardTransformersRegistry.setInit(() =>
  [standardTransformers.mergeTransformer, standardTransformers.filterFieldsByNameTransformer, standardTransformers.organizeFieldsTransformer].map(
    (info) => ({ id: info.id, name: info.name, transformation: () => Promise.resolve(info), editor: () => null, imageDark: '', imageLight: '' })
  )
);

const seconds = (text) => Number(text.slice(0, -1)) * { s: 1, m: 60, h: 3600 }[text.slice(-1)];

function withVariables(expr, interval) {
  const all = { ...variables, __interval: `${interval}s`, __rate_interval: `${Math.max(4 * 30, interval + 30)}s`, __range: `${RANGE}s` };
  const names = Object.keys(all).sort((a, b) => b.length - a.length);
  return names.reduce((text, name) => text.replaceAll(`$${name}`, all[name]), expr);
}

async function ask(path, parameters) {
  const answer = await (await fetch(`${prometheus}/api/v1/${path}?${new URLSearchParams(parameters)}`)).json();
  if (answer.status !== 'success') throw new Error(`${parameters.query}: ${answer.error}`);
  return answer.data.result;
}

const named = (legend, metric) => {
  if (legend !== '__auto') return legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => metric[label] ?? '');
  const labels = Object.entries(metric).filter(([name]) => name !== '__name__');
  return labels.length === 1 ? labels[0][1] : labels.map(([name, value]) => `${name}="${value}"`).join(', ');
};

async function frames(panel, target, n) {
  // As Grafana does: as many points as the panel has pixels, and no less than the least interval.
  const step = Math.max(seconds(panel.interval ?? '30s'), Math.ceil(RANGE / (panel.gridPos.w * COLUMN) / 15) * 15);
  const query = withVariables(target.expr, step);
  const time = query.includes('ALERTS{') ? now : end;
  if (target.format === 'table') {
    const rows = await ask('query', { query, time });
    const labels = [...new Set(rows.flatMap((row) => Object.keys(row.metric)))].filter((name) => name !== '__name__');
    const value = panel.targets.length > 1 ? `Value #${target.refId}` : 'Value';
    return [
      toDataFrame({
        refId: target.refId,
        fields: [
          ...labels.map((name) => ({ name, type: FieldType.string, values: rows.map((row) => row.metric[name] ?? '') })),
          { name: value, type: FieldType.number, values: rows.map((row) => Number(row.value[1])) },
        ],
      }),
    ];
  }
  const series = target.instant
    ? (await ask('query', { query, time })).map((row) => ({ metric: row.metric, values: [row.value] }))
    : await ask('query_range', { query, start: end - RANGE, end, step });
  return series.map(({ metric, values }) => {
    // What is not there at a step is a gap.
    const found = new Map(values.map(([time, value]) => [time, Number(value)]));
    const times = target.instant ? [values[0][0]] : Array.from({ length: Math.floor(RANGE / step) + 1 }, (_, i) => end - RANGE + i * step);
    return toDataFrame({
      refId: target.refId,
      fields: [
        { name: 'Time', type: FieldType.time, values: times.map((time) => time * 1000), config: {} },
        { name: 'Value', type: FieldType.number, values: times.map((time) => found.get(time) ?? null), labels: metric, config: { displayNameFromDS: named(target.legendFormat, metric) } },
      ],
    });
  });
}

function put(object, path, value) {
  const parts = path.split('.');
  const last = parts.pop();
  parts.reduce((at, part) => (at[part] ??= {}), object)[last] = value;
}

// Field options of the panel, then those of overrides by name.
function configured(panel, all) {
  let n = 0;
  for (const frame of all)
    for (const field of frame.fields) {
      const name = field.config.displayName ?? getFieldDisplayName(field, frame, all);
      const config = { ...structuredClone(panel.fieldConfig.defaults), ...field.config };
      if (field.type !== FieldType.number) delete config.unit;
      for (const { matcher, properties } of panel.fieldConfig.overrides)
        if (matcher.options === name) for (const { id, value } of properties) put(config, id, structuredClone(value));
      // Cells that lead somewhere look like it; there is nowhere to go from a picture.
      config.links = config.links?.map((link) => ({ ...link, url: '#' }));
      field.config = config;
      field.state = { ...field.state, displayName: name, seriesIndex: field.type === FieldType.number ? n++ : undefined };
      if (field.type === FieldType.number && config.custom?.cellOptions?.type === 'gauge') config.max = Math.max(...field.values.filter(Number.isFinite));
      field.display = getDisplayProcessor({ field, theme });
      if (config.links) field.getLinks = () => config.links.map((link) => ({ ...link, href: '#', target: '_self', origin: field }));
    }
  return all;
}

async function load(panel) {
  const all = (await Promise.all(panel.targets.map((target, n) => frames(panel, target, n)))).flat();
  if (!panel.transformations) return configured(panel, all);
  const { firstValueFrom } = await import('rxjs');
  return configured(panel, await firstValueFrom(transformDataFrame(panel.transformations, all)));
}

const lastOf = (frame) => {
  const field = frame.fields.find((field) => field.type === FieldType.number);
  return [field, reduceField({ field, reducers: ['lastNotNull'] }).lastNotNull];
};

function Stat({ panel, frames, width, height }) {
  const [field, value] = frames.length ? lastOf(frames[0]) : [undefined, null];
  const display = field?.display ?? getDisplayProcessor({ field: { type: FieldType.number, config: { ...panel.fieldConfig.defaults } }, theme });
  const shown = value === null ? { ...display(0), text: panel.fieldConfig.defaults.noValue, suffix: '' } : display(value);
  const { colorMode, graphMode, justifyMode, textMode, wideLayout } = panel.options;
  return <BigValue theme={theme} width={width} height={height} value={{ ...shown, title: undefined }} {...{ colorMode, graphMode, justifyMode, textMode, wideLayout }} />;
}

function Bars({ panel, frames, width, height }) {
  const rows = frames.map((frame) => [frame, ...lastOf(frame)]);
  const max = Math.max(...rows.map(([, , value]) => value));
  const each = Math.min(height / rows.length, 36);
  return rows.map(([frame, field, value]) => {
    const config = { ...field.config, max };
    const display = getDisplayProcessor({ field: { ...field, config }, theme });
    const { orientation, displayMode, showUnfilled, valueMode, namePlacement, text } = panel.options;
    return (
      <BarGauge
        key={field.state.displayName} theme={theme} width={width} height={each - 8} field={config} display={display} orientation={orientation}
        value={{ ...display(value), title: field.state.displayName }} {...{ displayMode, showUnfilled, namePlacement, text }} valueDisplayMode={valueMode} itemSpacing={8}
        alignmentFactors={{ title: `${rows.map(([, field]) => field.state.displayName).sort((a, b) => b.length - a.length)[0]}MM`, text: String(max) }}
      />
    );
  });
}

function Shown({ panel, frames, width, height }) {
  switch (panel.type) {
    case 'stat':
      return <Stat {...{ panel, frames, width, height }} />;
    case 'bargauge':
      return <Bars {...{ panel, frames, width, height }} />;
    case 'table':
      return frames[0]?.length ? (
        <Table data={frames[0]} width={width} height={height} cellHeight={panel.options.cellHeight} initialSortBy={panel.options.sortBy} showTypeIcons={false} />
      ) : (
        <Nothing />
      );
    case 'timeseries':
      return frames.length ? (
        <TimeSeries
          theme={theme} width={width} height={height} frames={frames} timeZone="utc" legend={panel.options.legend} options={panel.options}
          timeRange={{ from: dateTime((end - RANGE) * 1000), to: dateTime(end * 1000), raw: { from: 'now-3h', to: 'now' } }}
        />
      ) : (
        <Nothing text={panel.fieldConfig.defaults.noValue} />
      );
    default:
      throw new Error(`no such panel: ${panel.type}`);
  }
}

const Nothing = ({ text = 'No data' }) => <div style={{ color: theme.colors.text.secondary, textAlign: 'center', paddingTop: 60 }}>{text}</div>;

let nWaiting = dashboard.panels.filter((panel) => panel.type !== 'row').length;

function Panel({ panel }) {
  const [frames, setFrames] = useState(null);
  useEffect(() => {
    load(panel)
      .then(setFrames)
      .catch((error) => (document.title = `failed: ${panel.title}: ${error.stack}`))
      .finally(() => --nWaiting || setTimeout(() => (document.title = document.title.startsWith('failed') ? document.title : 'done'), 500));
  }, []);
  const { x, y, w, h } = panel.gridPos;
  const place = { position: 'absolute', left: x * COLUMN + GAP / 2, top: y * CELL };
  return (
    <div style={place}>
      <PanelChrome title={panel.title} width={w * COLUMN - GAP} height={h * CELL - GAP}>
        {(width, height) => frames && <Shown {...{ panel, frames, width, height }} />}
      </PanelChrome>
    </div>
  );
}

function Row({ row }) {
  const place = { position: 'absolute', left: GAP, top: row.gridPos.y * CELL + 2, fontSize: 16, fontWeight: 500, color: theme.colors.text.primary };
  return <div style={place}>⌄ {row.title}</div>;
}

function Head() {
  const chosen = dashboard.templating.list.filter((variable) => variable.type === 'query');
  const box = { border: `1px solid ${theme.colors.border.medium}`, borderRadius: 2, padding: '4px 8px', marginRight: 12 };
  return (
    <div style={{ padding: '10px 8px', color: theme.colors.text.primary }}>
      <div style={{ fontSize: 18, paddingBottom: 10 }}>{dashboard.title}</div>
      {chosen.map((variable) => (
        <span key={variable.name} style={box}>
          <span style={{ color: theme.colors.text.secondary, paddingRight: 8 }}>{variable.label}</span>
          {variables[variable.name] === '.*' ? 'All' : variables[variable.name]}
        </span>
      ))}
    </div>
  );
}

window.addEventListener('error', (event) => (document.title = `failed: ${event.message}`));
createRoot(document.getElementById('root')).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles isExtensionSidebarOpen={false} />
    <Head />
    <div style={{ position: 'relative' }}>
      {dashboard.panels.map((panel) => (panel.type === 'row' ? <Row key={panel.id} row={panel} /> : <Panel key={panel.id} panel={panel} />))}
    </div>
  </ThemeContext.Provider>
);
