// What a dashboard and each of its panels must be, by Grafana's own types. These have enums where JSON has their values, and
// know nothing of the options of a panel unless its type is told.
import type { AnnotationQuery, Dashboard, DataQuery, FieldConfig, FieldConfigSource, Panel, RowPanel } from '@grafana/schema';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Json<T> = T extends string
  ? `${T}`
  : T extends Array<infer Item>
    ? Array<Json<Item>>
    : T extends object
      ? { [Key in keyof T]: Json<T[Key]> }
      : T;

type Shows<Options, Custom> = Json<
  Omit<Panel, 'options' | 'fieldConfig'> & {
    options: Options;
    fieldConfig: Omit<FieldConfigSource, 'defaults'> & { defaults: Omit<FieldConfig, 'custom'> & { custom?: Custom } };
  }
>;

export interface Kinds {
  row: Json<RowPanel>;
  timeseries: Shows<timeseries.Options, timeseries.FieldConfig>;
  stat: Shows<stat.Options, never>;
  bargauge: Shows<bargauge.Options, never>;
  table: Shows<table.Options, table.FieldConfig>;
}

// What queries and annotations have besides belongs to their data source.
type Query = DataQuery & { expr: string; interval: string; editorMode: 'code' };
type Marks = AnnotationQuery<Query> & { titleFormat: string };

export type Whole = Json<Omit<Dashboard, 'annotations'> & { annotations: { list: Array<Marks> } }>;
